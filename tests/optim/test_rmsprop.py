"""RMSprop against its definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import RMSprop


def formula(p, gradients, lr, alpha, eps, weight_decay, momentum, centered, maximize):
    """The places that PyTorch's definition gives: eps is added to the root."""
    s = a = b = np.zeros_like(p)
    places = []
    for gradient in gradients:
        g = (-gradient if maximize else gradient) + weight_decay * p
        s = alpha * s + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g if centered else a
        b = momentum * b + g / (np.sqrt(s - a**2) + eps)
        p = p - lr * b
        places.append(p)
    return np.array(places)


OPTIONS = list(itertools.product((0.5, 0.99), (1e-8, 0.1), (0.0, 0.2), (0.0, 0.9), (False, True), (False, True)))


@pytest.mark.parametrize(("alpha", "eps", "decay", "momentum", "centered", "up"), OPTIONS)
def test_definition(alpha, eps, decay, momentum, centered, up, follow, walk):
    settings = {
        "lr": 0.01,
        "alpha": alpha,
        "eps": eps,
        "weight_decay": decay,
        "momentum": momentum,
        "centered": centered,
        "maximize": up,
    }
    np.testing.assert_allclose(follow(RMSprop, *walk, **settings), formula(*walk, **settings), rtol=1e-10)


def test_defaults(follow, walk):
    expected = formula(*walk, 1e-2, 0.99, 1e-8, 0.0, 0.0, False, False)
    np.testing.assert_allclose(follow(RMSprop, *walk), expected, rtol=1e-12)


def test_by_hand(follow):
    """With g = 3 throughout, s is 27/4 and then 27/4 + 27/16; a mean without memory is the gradient's size."""
    places = follow(RMSprop, np.zeros(1), np.full((2, 1), 3.0), lr=1.0, alpha=0.25, eps=0.0)
    first = 3 / np.sqrt(27 / 4)
    np.testing.assert_allclose(places[:, 0], [-first, -first - 3 / np.sqrt(27 / 4 + 27 / 16)], rtol=1e-14)
    signs = follow(RMSprop, np.zeros(2), np.tile([5.0, -1e-3], (3, 1)), lr=0.5, alpha=0.0, eps=0.0)
    np.testing.assert_allclose(signs[-1], [-1.5, 1.5], rtol=1e-14)


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, ["square_avg", "step"]),
        ({"momentum": 0.5}, ["momentum_buffer", "square_avg", "step"]),
        ({"centered": True}, ["grad_avg", "square_avg", "step"]),
        ({"momentum": 0.5, "centered": True}, ["grad_avg", "momentum_buffer", "square_avg", "step"]),
    ],
)
def test_what_is_kept(settings, kept, feed):
    p = mg.tensor(np.zeros(2), requires_grad=True)
    optimizer = RMSprop([p], alpha=0.5, **settings)
    for _ in range(2):
        feed(optimizer, [p], [np.array([2.0, 4.0])])
    assert sorted(optimizer.state[p]) == kept
    assert optimizer.state[p]["step"].item() == 2
    assert optimizer.state[p]["square_avg"].tolist() == [3.0, 12.0]
    if "grad_avg" in kept:
        assert optimizer.state[p]["grad_avg"].tolist() == [1.5, 3.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"eps": -1.0}, "Invalid epsilon value: -1.0"),
        ({"alpha": -0.5}, "Invalid alpha value: -0.5"),
        ({"momentum": -0.5}, "Invalid momentum value: -0.5"),
        ({"weight_decay": -0.5}, "Invalid weight_decay value: -0.5"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        RMSprop([mg.ones(1, requires_grad=True)], **settings)
