"""Schedules that multiply the rate, against their closed formulas."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.optim.lr_scheduler import ExponentialLR, LambdaLR, MultiStepLR, StepLR

BASE = np.array([0.1, 0.5])
T = np.arange(11)


def test_step(sgd, rates):
    expected = np.outer(0.3 ** (T // 3), BASE)
    np.testing.assert_allclose(rates(StepLR(sgd(), 3, gamma=0.3), 10), expected, rtol=1e-13)


def test_step_by_hand(sgd, rates):
    found = rates(StepLR(sgd(), step_size=2), 4)
    np.testing.assert_allclose(found[:, 1], [0.5, 0.5, 0.05, 0.05, 0.005], rtol=1e-13)


def test_multi_step(sgd, rates):
    """A milestone that is listed twice counts twice; the order doesn't matter."""
    passed = np.array([sum(m <= t for m in (2, 5, 5, 9)) for t in T])
    schedule = MultiStepLR(sgd(), [9, 5, 2, 5], gamma=0.5)
    np.testing.assert_allclose(rates(schedule, 10), np.outer(0.5**passed, BASE), rtol=1e-13)


def test_exponential(sgd, rates):
    found = rates(ExponentialLR(sgd(), gamma=0.8), 10)
    np.testing.assert_allclose(found, np.outer(0.8**T, BASE), rtol=1e-13)


def test_lambda(sgd, rates):
    found = rates(LambdaLR(sgd(), lambda t: 1 / (1 + t)), 10)
    np.testing.assert_allclose(found, np.outer(1 / (1 + T), BASE), rtol=1e-15)


def test_a_lambda_for_each_group(sgd, rates):
    found = rates(LambdaLR(sgd(), [lambda t: 0.5**t, lambda t: 1 + t]), 10)
    np.testing.assert_allclose(found, np.stack([0.5**T, 1 + T], axis=1) * BASE, rtol=1e-15)


@pytest.mark.parametrize("lambdas", [[], [abs], [abs] * 3])
def test_as_many_lambdas_as_groups(lambdas, sgd):
    with pytest.raises(ValueError, match=f"lr_lambda has {len(lambdas)} values, but .*param_groups has 2"):
        LambdaLR(sgd(), lambdas)


class Decay:
    """A function of the step with a setting of its own."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, t):
        return self.rate**t


def test_functions_are_not_saved_but_objects_are(sgd, rates):
    """A function can't be pickled in general; of an object, the attributes are kept."""
    schedule = LambdaLR(sgd(), [lambda t: 1.0, Decay(0.5)])
    rates(schedule, 2)
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [None, {"rate": 0.5}]
    loaded = LambdaLR(sgd(), [lambda t: 2.0, Decay(9.0)])
    loaded.load_state_dict(state)
    loaded.optimizer.step()
    loaded.step()
    assert loaded.get_last_lr() == [0.2, 0.5 * 0.5**3]
    assert state["lr_lambdas"] == [None, {"rate": 0.5}]
