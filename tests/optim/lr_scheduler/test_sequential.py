"""Schedules one after the other."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minigrad.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

BASE = np.array([0.1, 0.5])
T = np.arange(13)


def warm_up_then_cosine(optimizer):
    parts = [LinearLR(optimizer, 0.2, 1.0, 4), CosineAnnealingLR(optimizer, T_max=8)]
    return SequentialLR(optimizer, parts, milestones=[4])


def test_warm_up_then_cosine(sgd, rates):
    expected = np.where(T < 4, 0.2 + 0.8 * T / 4, (1 + np.cos(np.pi * (T - 4) / 8)) / 2)
    found = rates(warm_up_then_cosine(sgd()), 12)
    np.testing.assert_allclose(found, np.outer(expected, BASE), rtol=1e-10, atol=1e-15)


def test_each_begins_with_the_first_rate(sgd, rates):
    optimizer = sgd()
    parts = [ConstantLR(optimizer, 0.5, 9), ExponentialLR(optimizer, 0.5), StepLR(optimizer, 2, 0.1)]
    found = rates(SequentialLR(optimizer, parts, milestones=[2, 5]), 8)
    factors = [0.5, 0.5, 1, 0.5, 0.25, 1, 1, 0.1, 0.1]
    np.testing.assert_allclose(found, np.outer(factors, BASE), rtol=1e-13)


def test_one_alone(sgd, rates):
    optimizer = sgd()
    found = rates(SequentialLR(optimizer, [ExponentialLR(optimizer, 0.5)], milestones=[]), 3)
    np.testing.assert_allclose(found, np.outer([1, 0.5, 0.25, 0.125], BASE), rtol=1e-13)


def test_one_in_another_is_a_step_ahead(sgd, rates):
    """PyTorch's rates, which differ from what one expects; so the parts are better listed in one."""
    optimizer = sgd()
    inner = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 9), ExponentialLR(optimizer, 0.5)], milestones=[1])
    found = rates(SequentialLR(optimizer, [inner, StepLR(optimizer, 1, 0.1)], milestones=[3]), 4)
    np.testing.assert_allclose(found, np.outer([1, 0.5, 0.25, 1, 0.1], BASE), rtol=1e-13)


def test_one_in_another_can_not_take_over(sgd, rates):
    optimizer = sgd()
    inner = SequentialLR(optimizer, [ExponentialLR(optimizer, 0.5)], milestones=[])
    schedule = SequentialLR(optimizer, [StepLR(optimizer, 1), inner], milestones=[2])
    with pytest.raises(NotImplementedError, match="list its parts in one"):
        rates(schedule, 2)


@pytest.mark.parametrize("done", [2, 4, 7])
@pytest.mark.parametrize("way", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_a_loaded_state_goes_on(done, way, sgd, rates):
    first, second = warm_up_then_cosine(sgd()), warm_up_then_cosine(sgd())
    rates(first, done)
    parts = second._schedulers
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(way(first.state_dict()))
    assert second._schedulers is parts
    for _ in range(5):
        for schedule in (first, second):
            schedule.optimizer.step()
            schedule.step()
        assert first.get_last_lr() == second.get_last_lr()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o, other: ([], []), ValueError, "expects at least one scheduler"),
        (lambda o, other: ([StepLR(o, 1), 3], [1]), TypeError, "int at index 1 is no scheduler"),
        (lambda o, other: ([ReduceLROnPlateau(o)], []), ValueError, "does not support ReduceLROnPlateau .*the loss"),
        (lambda o, other: ([StepLR(o, 1), StepLR(other, 1)], [1]), ValueError, "at index 1 belongs to another"),
        (lambda o, other: ([StepLR(o, 1)] * 2, [1, 2]), ValueError, "2 schedulers need 1 milestones, not 2"),
    ],
)
def test_what_does_not_fit(make, error, message, sgd):
    optimizer = sgd()
    schedulers, milestones = make(optimizer, sgd())
    with pytest.raises(error, match=message):
        SequentialLR(optimizer, schedulers, milestones)


def test_steps_have_no_number(sgd):
    with pytest.raises(ValueError, match=r"SequentialLR.step\(\) takes no epoch"):
        warm_up_then_cosine(sgd()).step(3)
