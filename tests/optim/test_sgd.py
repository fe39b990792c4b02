"""SGD against its definition, and against numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD


def formula(p, gradients, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """The places that PyTorch's definition gives."""
    places = []
    for t, gradient in enumerate(gradients):
        g = (-gradient if maximize else gradient) + weight_decay * p
        if momentum:
            b = g if t == 0 else momentum * b + (1 - dampening) * g  # noqa: F821
            g = g + momentum * b if nesterov else b
        p = p - lr * g
        places.append(p)
    return np.array(places)


SETTINGS = [
    {
        "lr": 0.1,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": decay,
        "nesterov": nesterov,
        "maximize": up,
    }
    for momentum, dampening, decay, nesterov, up in itertools.product(
        (0.0, 0.9), (0.0, 0.3), (0.0, 0.2), (False, True), (False, True)
    )
    if not (nesterov and (dampening or not momentum))
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_definition(settings, follow, walk):
    start, gradients = walk
    np.testing.assert_allclose(
        follow(SGD, start, gradients, **settings), formula(start, gradients, **settings), rtol=1e-13
    )


def test_momentum_is_a_sum_over_all_former_gradients(follow, walk):
    """Written out, the step t is lr * sum of momentum**(t - i) * g_i."""
    start, gradients = walk
    places = follow(SGD, start, gradients, lr=0.1, momentum=0.9)
    t = len(gradients) - 1
    step = sum(0.9 ** (t - i) * g for i, g in enumerate(gradients))
    np.testing.assert_allclose(places[-2] - places[-1], 0.1 * step, rtol=1e-12)


def test_by_hand(follow):
    """With g = 1 throughout: b is 1, 1.5, 1.75; Nesterov steps 1 + 0.5 * b."""
    ones = np.ones((3, 1))
    plain = follow(SGD, np.zeros(1), ones, lr=1.0, momentum=0.5)
    np.testing.assert_array_equal(plain[:, 0], [-1, -2.5, -4.25])
    nesterov = follow(SGD, np.zeros(1), ones, lr=1.0, momentum=0.5, nesterov=True)
    np.testing.assert_array_equal(nesterov[:, 0], [-1.5, -3.25, -5.125])


def test_dampening_spares_the_first_gradient(follow):
    places = follow(SGD, np.zeros(1), np.ones((2, 1)), lr=1.0, momentum=0.5, dampening=1.0)
    np.testing.assert_array_equal(places[:, 0], [-1, -1.5])


def test_weight_decay_alone_shrinks(follow):
    places = follow(SGD, np.array([8.0]), np.zeros((3, 1)), lr=0.5, weight_decay=1.0)
    np.testing.assert_array_equal(places[:, 0], [4, 2, 1])


def test_momentum_is_kept_only_where_there_is_some(feed):
    p = mg.tensor([1.0], requires_grad=True)
    plain, heavy = SGD([p], lr=0.5), SGD([p], lr=0.5, momentum=0.5)
    feed(plain, [p], [[2.0]])
    feed(heavy, [p], [[3.0]])
    assert not plain.state
    assert heavy.state[p]["momentum_buffer"].tolist() == [3.0]


def test_momentum_switched_on_later_starts_with_the_gradient(feed):
    p = mg.tensor([0.0], requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    feed(optimizer, [p], [[1.0]])
    optimizer.param_groups[0]["momentum"] = 0.5
    for _ in range(2):
        feed(optimizer, [p], [[1.0]])
    assert p.tolist() == [-1 - 1 - 1.5]


def test_the_rate_may_be_a_tensor(feed):
    p = mg.tensor([1.0], requires_grad=True)
    rate = mg.tensor(0.5)
    optimizer = SGD([p], lr=rate)
    feed(optimizer, [p], [[1.0]])
    rate.fill_(0.25)
    feed(optimizer, [p], [[1.0]])
    assert p.tolist() == [0.25]


def test_a_bowl_is_descended():
    """On p**2 / 2, a rate of 0.5 halves p in every step."""
    p = mg.tensor([64.0, -32.0], requires_grad=True)
    optimizer = SGD([p], lr=0.5)
    for _ in range(6):
        optimizer.zero_grad()
        (p * p / 2).sum().backward()
        optimizer.step()
    assert p.tolist() == [1.0, -0.5]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -0.1}, "Invalid learning rate: -0.1; it must be 0 or more"),
        ({"lr": float("nan")}, "Invalid learning rate: nan"),
        ({"lr": mg.ones(2)}, r"Invalid learning rate: a Tensor must be 1-element, not of shape \(2,\)"),
        ({"momentum": -0.5}, "Invalid momentum value: -0.5"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ({"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "Nesterov momentum requires"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        SGD([mg.ones(1, requires_grad=True)], **settings)
