"""OneCycleLR: rise, fall, and the momentum that goes the other way."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.optim import SGD, Adam, RMSprop
from minigrad.optim.lr_scheduler import OneCycleLR
from minigrad.optim.optimizer import Optimizer


def between(knots, values, shape, t):
    """Piecewise from value to value: straight, or along half cosine waves."""
    i = min(max(np.searchsorted(knots, t) - 1, 0), len(knots) - 2)
    done = (t - knots[i]) / (knots[i + 1] - knots[i])
    if shape == "cos":
        done = (1 - np.cos(np.pi * done)) / 2
    return values[i] + (values[i + 1] - values[i]) * done


@pytest.mark.parametrize("shape", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("part", [0.2, 0.45])
def test_rates_and_momentum(shape, three_phase, part, sgd):
    """The last step is total_steps - 1; the rise ends one step before ``pct_start`` of the run."""
    n, high, low, start = 20, 2.0, 0.002, 0.2
    optimizer = sgd(momentum=0.5)
    schedule = OneCycleLR(
        optimizer,
        high,
        total_steps=n,
        pct_start=part,
        anneal_strategy=shape,
        base_momentum=0.7,
        max_momentum=0.9,
        div_factor=10.0,
        final_div_factor=100.0,
        three_phase=three_phase,
    )
    if three_phase:
        knots = [0, part * n - 1, 2 * (part * n - 1), n - 1]
        rates, momenta = [start, high, start, low], [0.9, 0.7, 0.9, 0.9]
    else:
        knots, rates, momenta = [0, part * n - 1, n - 1], [start, high, low], [0.9, 0.7, 0.9]
    for t in range(n):
        group = optimizer.param_groups[0]
        np.testing.assert_allclose(group["lr"], between(knots, rates, shape, t), rtol=1e-12)
        np.testing.assert_allclose(group["momentum"], between(knots, momenta, shape, t), rtol=1e-12)
        optimizer.step()
        if t < n - 1:
            schedule.step()


def test_by_hand(sgd, rates):
    """Of 5 steps, with a peak at 0.4 * 5 - 1 = 1: up from 1/25 in one, and down in three."""
    schedule = OneCycleLR(sgd(momentum=0.5), 1.0, 5, pct_start=0.4, anneal_strategy="linear", final_div_factor=4.0)
    found = rates(schedule, 4)
    np.testing.assert_allclose(found[:, 0], [0.04, 1, 0.67, 0.34, 0.01], rtol=1e-12)


def test_a_value_for_each_group(sgd, rates):
    optimizer = sgd(momentum=0.5)
    found = rates(
        OneCycleLR(optimizer, [1.0, 2.0], 10, base_momentum=[0.6, 0.7], max_momentum=[0.8, 0.9], pct_start=0.3), 2
    )
    np.testing.assert_allclose(found[0], [0.04, 0.08], rtol=1e-12)
    np.testing.assert_allclose(found[2], [1, 2], rtol=1e-12)
    np.testing.assert_allclose([group["momentum"] for group in optimizer.param_groups], [0.6, 0.7])


def test_adams_momentum_is_its_first_beta(sgd):
    optimizer = sgd(kind=Adam, betas=(0.5, 0.99))
    schedule = OneCycleLR(optimizer, 1.0, 10, base_momentum=0.6, max_momentum=0.8)
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.99)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(optimizer.param_groups[1]["betas"], (0.6, 0.99))


@pytest.mark.parametrize(("kind", "settings"), [(SGD, {"momentum": 0.5}), (Adam, {"betas": (0.5, 0.9)}), (RMSprop, {})])
def test_momentum_may_be_left_alone(kind, settings, sgd, rates):
    optimizer = sgd(kind=kind, **settings)
    rates(OneCycleLR(optimizer, 1.0, 10, cycle_momentum=False), 5)
    for name, value in settings.items():
        assert optimizer.param_groups[0][name] == value
    assert "max_momentum" not in optimizer.param_groups[0]


def test_the_length_as_epochs(sgd, rates):
    by_epochs = OneCycleLR(sgd(momentum=0.5), 1.0, epochs=3, steps_per_epoch=4)
    by_steps = OneCycleLR(sgd(momentum=0.5), 1.0, total_steps=12)
    assert by_epochs.total_steps == 12
    np.testing.assert_array_equal(rates(by_epochs, 11), rates(by_steps, 11))


def test_the_run_has_an_end(sgd, rates):
    schedule = OneCycleLR(sgd(momentum=0.5), 1.0, total_steps=5)
    rates(schedule, 5)
    with pytest.raises(ValueError, match="Tried to step 6 times. The specified number of total steps is 5"):
        schedule.step()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"You must define either total_steps OR \(epochs AND steps_per_epoch\)"),
        ({"epochs": 3}, "You must define either total_steps"),
        ({"total_steps": 0}, "Expected positive integer total_steps, but got 0"),
        ({"total_steps": 2.5}, "Expected positive integer total_steps, but got 2.5"),
        ({"epochs": -1, "steps_per_epoch": 4}, "Expected positive integer epochs, but got -1"),
        ({"epochs": 1, "steps_per_epoch": 0}, "Expected positive integer steps_per_epoch, but got 0"),
        ({"total_steps": 9, "pct_start": 1.5}, "Expected float between 0 and 1 pct_start, but got 1.5"),
        ({"total_steps": 9, "anneal_strategy": "sine"}, "anneal_strategy must be 'cos' or 'linear', and is 'sine'"),
        ({"total_steps": 9, "max_lr": [1.0]}, "max_lr has 1 values, but optimizer.param_groups has 2"),
        ({"total_steps": 9, "max_momentum": [0.9] * 3}, "max_momentum has 3 values"),
    ],
)
def test_settings_out_of_range(settings, message, sgd):
    with pytest.raises(ValueError, match=message):
        OneCycleLR(sgd(momentum=0.5), **{"max_lr": 1.0, **settings})


def test_there_must_be_a_momentum_to_cycle(sgd):
    class Plain(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 1.0})

    with pytest.raises(ValueError, match="optimizer must support momentum or beta1"):
        OneCycleLR(sgd(kind=Plain), 1.0, 10)
    OneCycleLR(sgd(kind=Plain), 1.0, 10, cycle_momentum=False)
