"""What the tests of optimizers and schedules share."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

#: The rates of the two groups that schedules are tried on.
RATES = (0.1, 0.5)


@pytest.fixture
def feed():
    """Give one gradient to each parameter (None for none), and take a step: ``feed(optimizer, params, gradients)``."""

    def feed(optimizer, params, gradients):
        for p, g in zip(params, gradients, strict=True):
            p.grad = None if g is None else mg.tensor(g)
        optimizer.step()

    return feed


@pytest.fixture
def follow(feed):
    """Where a parameter is after each step: ``follow(mg.optim.SGD, start, gradients, lr=0.1)``."""

    def follow(kind, start, gradients, **settings):
        p = mg.tensor(start, requires_grad=True)
        optimizer = kind([p], **settings)
        places = []
        for g in gradients:
            feed(optimizer, [p], [g])
            places.append(p.array.copy())
        return np.array(places)

    return follow


@pytest.fixture
def walk(rng):
    """A start, shape (2, 3), and the gradients of six steps."""
    return rng.standard_normal((2, 3)), rng.standard_normal((6, 2, 3))


@pytest.fixture
def sgd():
    """An optimizer of two groups, with rates 0.1 and 0.5: ``sgd(momentum=0.9)``."""

    def sgd(kind=mg.optim.SGD, **settings):
        groups = [{"params": mg.ones(1, requires_grad=True), "lr": lr} for lr in RATES]
        return kind(groups, **settings)

    return sgd


@pytest.fixture
def rates():
    """The rates of both groups before any step and after each one, shape (steps + 1, 2): ``rates(schedule, steps)``."""

    def rates(schedule, steps):
        optimizer = schedule.optimizer
        found = []
        for t in range(steps + 1):
            if t:
                optimizer.step()
                schedule.step()
            found.append([group["lr"] for group in optimizer.param_groups])
            assert schedule.get_last_lr() == found[-1]
            assert schedule.last_epoch == t
        return np.array(found)

    return rates
