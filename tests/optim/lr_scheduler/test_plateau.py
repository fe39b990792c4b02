"""ReduceLROnPlateau, step by step."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim.lr_scheduler import ReduceLROnPlateau


def factors(schedule, metrics):
    """How often the rate of the second group, 0.5, was halved, after each step."""
    found = []
    for metric in metrics:
        schedule.step(metric)
        assert schedule.get_last_lr() == [group["lr"] for group in schedule.optimizer.param_groups]
        found.append(round(math.log2(0.5 / schedule.get_last_lr()[1])))
    return found


def plateau(optimizer, **settings):
    return ReduceLROnPlateau(optimizer, **{"factor": 0.5, "patience": 1, **settings})


def test_patience(sgd):
    """More than ``patience`` bad steps in a row lower the rate; a good one starts the count anew."""
    assert factors(plateau(sgd()), [3, 2, 2, 2, 2, 2, 1, 2, 0.5, 2, 2]) == [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3]
    assert factors(plateau(sgd(), patience=0), [1, 1, 0.5, 1]) == [0, 1, 1, 2]


def test_all_groups_are_lowered(sgd):
    optimizer = sgd()
    factors(plateau(optimizer), [1, 1, 1])
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.25]


def test_upward(sgd):
    assert factors(plateau(sgd(), mode="max"), [1, 2, 3, 2, 3, 4]) == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "metrics", "expected"),
    [
        ("min", "rel", [10.0, 9.5, 8.5], [0, 1, 1]),
        ("max", "rel", [10.0, 10.5, 11.5], [0, 1, 1]),
        ("min", "abs", [10.0, 9.95, 9.85], [0, 1, 1]),
        ("max", "abs", [10.0, 10.05, 10.15], [0, 1, 1]),
        ("min", "rel", [10.0, 9.0], [0, 1]),
    ],
)
def test_what_counts_as_better(mode, threshold_mode, metrics, expected, sgd):
    """With a threshold of 0.1: a tenth of the best value, or 0.1 itself; and by more than that."""
    schedule = plateau(sgd(), mode=mode, threshold=0.1, threshold_mode=threshold_mode, patience=0)
    assert factors(schedule, metrics) == expected


def test_cooldown(sgd):
    assert factors(plateau(sgd(), patience=0, cooldown=2), [1] * 8) == [0, 1, 1, 1, 2, 2, 2, 3]


def test_the_rate_has_a_bound(sgd):
    optimizer = sgd()
    schedule = plateau(optimizer, patience=0, min_lr=[0.06, 0.2])
    for _ in range(5):
        schedule.step(1.0)
    assert schedule.get_last_lr() == [0.06, 0.2]


def test_a_change_too_small_is_not_made(sgd):
    optimizer = sgd()
    factors(plateau(optimizer, patience=0, eps=0.1), [1, 1])
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.25]


def test_nan_is_never_better(sgd):
    schedule = plateau(sgd())
    assert factors(schedule, [1, math.nan, math.nan]) == [0, 0, 1]
    assert schedule.best == 1


def test_the_metric_may_be_a_tensor(sgd):
    schedule = plateau(sgd(), patience=0)
    assert factors(schedule, [mg.tensor(2.0), mg.tensor([2.0])]) == [0, 1]


def test_a_rate_that_is_a_tensor_keeps_its_identity():
    rate = mg.tensor(0.5)
    schedule = plateau(mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=rate), patience=0)
    schedule.step(1.0)
    schedule.step(1.0)
    assert rate.item() == 0.25
    assert schedule.optimizer.param_groups[0]["lr"] is rate


def test_a_group_may_be_added(sgd):
    optimizer = sgd()
    schedule = plateau(optimizer, patience=0, min_lr=0.3)
    optimizer.add_param_group({"params": mg.ones(1, requires_grad=True), "lr": 1.0})
    schedule.step(1.0)
    schedule.step(1.0)
    np.testing.assert_allclose(schedule.get_last_lr(), [0.1, 0.3, 0.5])
    bounds = plateau(sgd(), patience=0, min_lr=[0.0, 0.0])
    bounds.optimizer.add_param_group({"params": mg.ones(1, requires_grad=True)})
    bounds.step(1.0)
    with pytest.raises(ValueError, match="min_lrs has 2 values, but optimizer.param_groups has 3"):
        bounds.step(1.0)


def test_a_loaded_state_goes_on(sgd):
    first, second = plateau(sgd(), patience=2), plateau(sgd(), patience=9, mode="max")
    factors(first, [3, 2, 2, 2])
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert "optimizer" not in first.state_dict()
    assert factors(first, [2, 2, 1, 2]) == factors(second, [2, 2, 1, 2]) == [1, 1, 1, 1]


def test_the_step_number_is_deprecated(sgd):
    schedule = plateau(sgd())
    with pytest.warns(UserWarning, match=r"call step\(metrics\)") as caught:
        schedule.step(1.0, 7)
    assert caught[0].filename == __file__
    assert schedule.last_epoch == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "Factor should be < 1.0, not 1.0"),
        ({"mode": "least"}, "mode must be 'min' or 'max', and is 'least'"),
        ({"threshold_mode": "both"}, "threshold_mode must be 'rel' or 'abs', and is 'both'"),
        ({"min_lr": [0.1]}, "min_lr has 1 values, but optimizer.param_groups has 2"),
    ],
)
def test_settings_out_of_range(settings, message, sgd):
    with pytest.raises(ValueError, match=message):
        plateau(sgd(), **settings)
