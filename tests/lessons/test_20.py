"""What lesson 20 says: shards and their weights (E11), batch norm, and on two ranks what one process gives."""

import sys

import pytest

from minigrad.classroom.ranks import RanksFailed, on_ranks, ranks_can_start

from .scripts import lesson

SEEDS = range(5)
needs_mpi = pytest.mark.skipif(not ranks_can_start(), reason="mpi4py is not installed")


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_shards_agree_to_rounding_and_unequal_ones_need_weights(seed):
    off_by = lesson("20").off_by
    assert off_by([16, 16], [1 / 2, 1 / 2], seed) < 1e-14
    assert off_by([28, 4], [28 / 32, 4 / 32], seed) < 1e-14
    assert off_by([28, 4], [1 / 2, 1 / 2], seed) > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_norm_breaks_the_equality(seed):
    assert lesson("20").off_by([16, 16], [1 / 2, 1 / 2], seed, norm=True) > 0.01


def test_a_batch_that_is_divided_ever_finer_stops_paying():
    one = lesson("20")
    speed = [1 / (1 / k + one.all_reduce_seconds(k, 100e6)) for k in (1, 64, 1024)]
    assert speed[0] == 1
    assert speed[2] < 1.5 * speed[1]


@needs_mpi
def test_two_ranks_have_the_whole_batchs_gradients():
    for norm in (False, True):
        assert max(on_ranks(lesson("20").data_parallel, 2, norm)) < 1e-13
    assert max(on_ranks(lesson("20").two_layers, 2, False)) < 1e-13


@needs_mpi
def test_the_deadlock_is_told_and_cured():
    swap = lesson("20").swap
    assert on_ranks(swap, 2, 20_000, True) == [1.0, 0.0]
    with pytest.raises(RanksFailed, match="deadlock: every rank waits"):
        on_ranks(swap, 2, 20_000, False, detail=True)


def test_without_mpi_the_lesson_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert not ranks_can_start()
    assert "python -m pip install mpi4py mpich" in capsys.readouterr().out
