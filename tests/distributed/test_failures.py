"""A rank in trouble ends the job with a message, within seconds, and never leaves the others waiting."""

import os

import pytest

from .launch import needs_mpi, run

pytestmark = needs_mpi
DETAIL = {"MINIGRAD_DISTRIBUTED_DEBUG": "DETAIL"}
SOON = 30  # seconds, with the start of the interpreters


def fails(scenario, *args, ranks, env=None):
    done = run("failures", scenario, *args, ranks=ranks, limit=SOON, env=env)
    assert done.returncode != 0, done.stdout
    return done.stderr


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_an_exception_ends_the_job_with_that_ranks_message(ranks):
    told = fails("exception", ranks=ranks)
    assert f"rank {ranks - 1} of {ranks} ends the job, because of this:" in told
    assert "ValueError: this rank's own trouble" in told


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_a_killed_rank_ends_the_job(ranks):
    fails("killed", ranks=ranks)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("elements", [2_000, 20_000])
def test_both_send_first_is_told_with_both_lines(ranks, elements):
    told = fails("both_send_first", elements, ranks=ranks, env=DETAIL)
    assert "deadlock: every rank waits for another" in told
    for rank in range(2):
        assert f"rank {rank}: send(({elements},) float32, to rank {rank ^ 1})" in told
    assert "dist.send(out, other)  # the line that both wait in" in told


def test_both_send_first_works_while_tensors_are_small():
    """... which is the trap: MPI puts 8 kB aside, and waits for the receiver with 80."""
    assert run("failures", "both_send_first", 2_000, ranks=2).returncode == 0


@pytest.mark.parametrize("env", [None, DETAIL])
def test_one_of_two_sends_first(env):
    assert run("failures", "one_sends_first", 20_000, ranks=2, env=env).returncode == 0


@pytest.mark.parametrize("env", [None, DETAIL])
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_another_order_of_collectives_is_told_with_all_lines(ranks, env):
    told = fails("order_of_collectives", ranks=ranks, env=env)
    assert "the ranks don't do the same" in told
    assert "dist.broadcast(x, 0)  # this rank broadcasts" in told
    assert "dist.all_reduce(x)  # and these reduce" in told


@pytest.mark.parametrize("env", [None, DETAIL])
def test_other_shapes_in_one_collective_are_told(env):
    told = fails("shapes_of_collectives", ranks=2, env=env)
    assert "all_reduce(SUM, (3,) float32)" in told
    assert "all_reduce(SUM, (4,) float32)" in told


@pytest.mark.parametrize("later", [0, 1])
def test_other_dtypes_in_one_collective_are_told(later):
    """... though they have as many bytes, and MPI would sum one rank's floats as integers."""
    told = fails("dtypes_of_collectives", later, ranks=3)
    assert "all_reduce(SUM, (3,) float32)" in told
    assert "all_reduce(SUM, (3,) int32)" in told


def test_a_collective_against_a_receive_is_a_deadlock():
    told = fails("collective_against_send", ranks=3, env=DETAIL)
    assert "rank 0: recv((3,) float32, from rank 1)" in told
    assert "rank 2: all_reduce(SUM, (3,) float32)" in told


def test_a_batch_more_on_one_rank_is_told():
    told = fails("unequal_batches", ranks=2, env=DETAIL)
    assert "rank 1: has left" in told
    assert "model(mg.ones(4, 2)).sum().backward()" in told


def test_a_late_rank_is_told_after_the_timeout():
    told = fails("late", ranks=2)
    assert "rank 1 of 2 has waited 1 s for the others: barrier()" in told
    assert "MINIGRAD_DISTRIBUTED_DEBUG=DETAIL" in told


def test_a_rank_that_just_ends_is_told_after_the_timeout():
    told = fails("ends_early", ranks=2)
    assert "has waited 1 s for the others" in told or "rank 1 of 2 has ended, and waited 1 s" in told


@pytest.mark.parametrize(
    ("larger", "words"), [(0, "larger than (2,) float32"), (1, "has 32 bytes, but rank 0 sent 16")]
)
def test_a_received_tensor_of_another_size_is_told(larger, words):
    assert words in fails("wrong_size", larger, ranks=2)


def test_a_gradient_path_is_never_lost_in_silence():
    told = fails("gradient_path", ranks=2)
    assert "minigrad.distributed.nn.functional.all_reduce, which has a backward" in told


def test_a_node_that_cannot_be_sent_for_inspection_is_named():
    told = fails("cannot_be_sent", ranks=2)
    assert "pipeline_receipt: Rough#" in told
    assert "return Rough()(super().forward(x))  # the line that made it" in told
