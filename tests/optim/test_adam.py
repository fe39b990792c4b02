"""Adam and AdamW against the papers' algorithms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import Adam, AdamW


def formula(p, gradients, lr, betas, eps, weight_decay, amsgrad, maximize, decoupled):
    """Kingma and Ba's algorithm 1, with the largest v of Reddi et al. and the decay of Loshchilov and Hutter."""
    beta1, beta2 = betas
    m = v = largest = np.zeros_like(p)
    places = []
    for t, gradient in enumerate(gradients, 1):
        g = -gradient if maximize else gradient
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v) if amsgrad else v
        p = p - lr * (m / (1 - beta1**t)) / (np.sqrt(largest / (1 - beta2**t)) + eps)
        places.append(p)
    return np.array(places)


OPTIONS = list(itertools.product((0.0, 0.3), (False, True), (False, True), (1e-8, 0.1)))


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize(("decay", "amsgrad", "up", "eps"), OPTIONS)
def test_definition(kind, decay, amsgrad, up, eps, follow, walk):
    start, gradients = walk
    gradients *= np.array([3, 1, 0.1, 2, 0.01, 1]).reshape(-1, 1, 1)  # so that v rises and falls
    settings = {
        "lr": 0.1,
        "betas": (0.8, 0.6),
        "eps": eps,
        "weight_decay": decay,
        "amsgrad": amsgrad,
        "maximize": up,
    }
    expected = formula(start, gradients, **settings, decoupled=kind is AdamW)
    np.testing.assert_allclose(follow(kind, start, gradients, **settings), expected, rtol=1e-12)


def test_defaults(follow, walk):
    start, gradients = walk
    common = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "maximize": False}
    plain = formula(start, gradients, **common, weight_decay=0, decoupled=False)
    decayed = formula(start, gradients, **common, weight_decay=0.01, decoupled=True)
    np.testing.assert_allclose(follow(Adam, start, gradients), plain, rtol=1e-12)
    np.testing.assert_allclose(follow(AdamW, start, gradients), decayed, rtol=1e-12)


def test_the_means_are_weighted_sums(feed, walk):
    """Section 3 of the paper: v_t is (1 - beta2) times the sum of beta2**(t - i) * g_i**2."""
    start, gradients = walk
    p = mg.tensor(start, requires_grad=True)
    optimizer = Adam([p], betas=(0.9, 0.99))
    for g in gradients:
        feed(optimizer, [p], [g])
    t = len(gradients)
    for name, beta, power in (("exp_avg", 0.9, 1), ("exp_avg_sq", 0.99, 2)):
        total = (1 - beta) * sum(beta ** (t - i) * g**power for i, g in enumerate(gradients, 1))
        np.testing.assert_allclose(optimizer.state[p][name].array, total, rtol=1e-12)
    assert optimizer.state[p]["step"].item() == t
    assert "max_exp_avg_sq" not in optimizer.state[p]


def test_equal_gradients_step_by_the_rate_whatever_their_size(follow):
    places = follow(Adam, np.zeros(3), np.tile([1e-3, -1.0, 1e3], (4, 1)), lr=0.25, eps=0.0)
    np.testing.assert_allclose(places, np.outer([0.25, 0.5, 0.75, 1.0], [-1, 1, -1]), rtol=1e-12)


def test_amsgrad_remembers_the_largest(feed):
    """After a large gradient, v forgets and the largest v does not."""
    p = mg.tensor(np.zeros(1), requires_grad=True)
    optimizer = Adam([p], betas=(0.0, 0.5), amsgrad=True)
    for g in (4.0, 0.0, 0.0):
        feed(optimizer, [p], [np.array([g])])
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [2.0]
    assert optimizer.state[p]["max_exp_avg_sq"].tolist() == [8.0]


def test_decay_alone(follow):
    """Decoupled, the weights shrink by 1 - lr * decay; through the gradient, Adam makes a step of lr of it."""
    zeros = np.zeros((2, 1))
    np.testing.assert_allclose(
        follow(AdamW, np.array([10.0]), zeros, lr=0.1, weight_decay=0.5)[:, 0], [9.5, 9.025], rtol=1e-14
    )
    np.testing.assert_allclose(follow(Adam, np.array([10.0]), zeros, lr=0.1, weight_decay=0.5)[0], 9.9, rtol=1e-9)


def test_adamw_is_adam_with_decoupled_decay(follow, walk):
    same = follow(Adam, *walk, lr=0.1, weight_decay=0.3, decoupled_weight_decay=True)
    np.testing.assert_array_equal(follow(AdamW, *walk, lr=0.1, weight_decay=0.3), same)
    assert issubclass(AdamW, Adam)


def test_a_state_saved_by_adam_makes_no_adam_of_adamw():
    """As in PyTorch, the other settings are those that were saved."""
    p = mg.ones(2, requires_grad=True)
    optimizer = AdamW([p])
    optimizer.load_state_dict(Adam([p], lr=0.5).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
        ({"weight_decay": -0.1}, "Invalid weight_decay value: -0.1"),
        ({"betas": (1.0, 0.9)}, r"Invalid beta parameter at index 0: 1.0; it must be in \[0, 1\)"),
        ({"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
    ],
)
def test_settings_out_of_range(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind([mg.ones(1, requires_grad=True)], **settings)
