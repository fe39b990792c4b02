"""What lesson 7 says: the ledger adds up, and a skip carries the gradient past a dead stage (C6)."""

import numpy as np
import pytest

from minigrad import inspect

from .scripts import lesson

SEEDS = range(5)


def test_the_smallest_block():
    x, loss = lesson("07").first_block()
    trace = inspect.trace(loss)
    assert x.grad.tolist() == [4.0, 4.0]
    assert [step.kind for step in trace] == ["Sum", "ResidualAdd", "Mul", "Fork"]
    assert trace.ledger()[0].skip_share == pytest.approx(0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ledger_adds_up(seed):
    """To the bit; most comes over the skip: measured 70 to 90 % a stage at scale 0.5, so above 60 % in the mean."""
    ledger = lesson("07").net_trace(residual=True, seed=seed).ledger()
    assert len(ledger) == 6
    for row in ledger:
        assert np.array_equal(row.g_in, row.g_skip + row.g_branch)
        assert row.terms["sum"] == pytest.approx(row.norm_in**2, rel=1e-5)
    assert np.mean([row.skip_share for row in ledger]) > 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dead_stage_stops_a_plain_net_and_not_a_residual_one(seed):
    """The plain net's zeros are exact. The residual net's gradient keeps within a factor of 5: measured 1.2 to 2."""
    one = lesson("07")
    plain = one.net_trace(residual=False, dead=one.DEAD, seed=seed).layers(level="blocks").norms
    assert (plain[: one.DEAD] == 0).all()
    assert (plain[one.DEAD :] > 0).all()
    trace = one.net_trace(residual=True, dead=one.DEAD, seed=seed)
    residual = trace.layers(level="blocks").norms
    assert 0.2 < residual[0] / residual[-1] < 5
    row = trace.ledger()[one.DEAD]
    assert row.norm_branch == 0
    assert np.array_equal(row.g_in, row.g_out)
    assert row.skip_share == pytest.approx(1)
