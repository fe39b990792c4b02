"""The exact facts about skip connections that the engine is held to (numbers as in the lessons' list of facts)."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, skip


def leaf(array):
    return mg.tensor(np.asarray(array, dtype=np.float64), requires_grad=True)


class Scale(nn.Module):
    """Multiply by a constant."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def test_e1_linear_residual_net():
    """Each branch a times the identity, n blocks: the input's gradient is (1 + a)^n."""
    n, a = 54, 0.1
    x = leaf([1.0])
    net = nn.Sequential(*(nn.Residual(Scale(a)) for _ in range(n)))
    net(x).sum().backward()
    expected = (1 + a) ** n
    assert abs(x.grad.item() / expected - 1) < 1e-12
    assert abs(expected - 171.871948) < 1e-6
    # ... which is the sum over routes by the number of branches they cross.
    assert abs(sum(comb(n, k) * a**k for k in range(n + 1)) / expected - 1) < 1e-12


def test_e2_path_sum(rng):
    """With the ReLUs' masks frozen, the sum over all 2^n routes is what backward gives."""
    n, width = 8, 5
    weights = [(rng.standard_normal((width, width)), rng.standard_normal((width, width)) / width) for _ in range(n)]
    x = leaf(rng.standard_normal(width))
    h, jacobians = x, []
    for w1, w2 in weights:
        s, b = skip.fork(h)
        hidden = mg.tensor(w1) @ b
        jacobians.append(w2 @ np.diag((hidden.array > 0).astype(float)) @ w1)
        h = skip.residual_add(s, mg.tensor(w2) @ F.relu(hidden))
    g = rng.standard_normal(width)
    h.backward(g)
    total = np.zeros(width)
    for route in product((0, 1), repeat=n):
        carried = g
        for crosses, jacobian in zip(reversed(route), reversed(jacobians), strict=True):
            carried = carried @ jacobian if crosses else carried
        total += carried
    np.testing.assert_allclose(x.grad.array, total, rtol=1e-12)


@pytest.mark.parametrize(("bias", "expected"), [(0.0, 5.6e-17), (-5.0, 0.696), (-6.0, 0.875), (-7.0, 0.952)])
def test_e4_gates_with_zero_weights(bias, expected):
    """The gate lets (1 - sigmoid(b))^54 pass along the skip."""
    n = 54
    x = leaf([1.0])
    h = x
    for _ in range(n):
        s, b = skip.fork(h)
        h = skip.highway_gate(s, b * 0.0, mg.sigmoid(leaf([bias])))
    h.sum().backward()
    exact = (1 - 1 / (1 + np.exp(-bias))) ** n
    assert abs(x.grad.item() / exact - 1) < 1e-12
    assert abs(exact / expected - 1) < 0.01  # the two digits that are quoted


def test_e4_scaled_shortcuts():
    """A shortcut that halves carries 0.5^54."""
    x = leaf([1.0])
    h = x
    for _ in range(54):
        s, b = skip.fork(h)
        h = skip.residual_add(0.5 * s, 0.0 * b)
    h.sum().backward()
    assert x.grad.item() == 0.5**54
    assert abs(0.5**54 / 5.55e-17 - 1) < 0.01


def test_e5_gradients_grow_by_one_plus_c_a_block():
    """F = W2 relu(W1 x), W1 ~ N(0, 2/n), W2 ~ N(0, c/n): E|dL/dx_l|^2 = (1+c)^(L-l) |g_L|^2, forward alike.

    The mean of 400 nets is compared within four of its own standard errors.
    """
    blocks, width, nets, c = 6, 24, 400, 1.0
    ratios, forward = [], []
    rng = np.random.default_rng(11)
    for _ in range(nets):
        x = leaf(rng.standard_normal(width))
        h = x
        for _ in range(blocks):
            w1 = mg.tensor(rng.standard_normal((width, width)) * np.sqrt(2 / width))
            w2 = mg.tensor(rng.standard_normal((width, width)) * np.sqrt(c / width))
            s, b = skip.fork(h)
            h = skip.residual_add(s, w2 @ F.relu(w1 @ b))
        g = rng.standard_normal(width)
        h.backward(g)
        ratios.append((x.grad.array**2).sum() / (g**2).sum())
        forward.append((h.array**2).sum() / (x.array**2).sum())
    for values in (ratios, forward):
        error = np.std(values) / np.sqrt(nets)
        assert abs(np.mean(values) - (1 + c) ** blocks) < 4 * error
        assert error < 0.1 * (1 + c) ** blocks  # or the line above would say nothing


def test_e8_skipinit_at_zero(rng):
    """Scale 0: every block's gradient is the same to the bit, nothing enters the branches, the scale still learns."""
    blocks = [
        nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)), scale=nn.Parameter(mg.zeros(())))
        for _ in range(5)
    ]
    x = mg.tensor(rng.standard_normal((4, 6)).astype(np.float32), requires_grad=True)
    h, held = x, [x]
    for block in blocks:
        h = block(h)
        held.append(h)
    h.backward(rng.standard_normal((4, 6)).astype(np.float32))
    assert len({t.grad.array.tobytes() for t in held}) == 1
    for block in blocks:
        assert all((p.grad.array == 0).all() for p in block.branch.parameters())
        assert block.scale.grad.item() != 0


def test_e9_layer_norms_jacobian(rng):
    """(1/s) (I - 11'/d - xx'/d): it sends 1 and the normalised x to 0, all else times 1/s."""
    d = 7
    x = rng.standard_normal(d)
    s = x.std()
    x_hat = (x - x.mean()) / s
    jacobian = mg.jacobian(lambda t: F.layer_norm(t, (d,), eps=0.0), mg.tensor(x)).array
    expected = (np.eye(d) - np.ones((d, d)) / d - np.outer(x_hat, x_hat) / d) / s
    np.testing.assert_allclose(jacobian, expected, atol=1e-13)
    np.testing.assert_allclose(jacobian @ np.ones(d), 0, atol=1e-13)
    np.testing.assert_allclose(jacobian @ x_hat, 0, atol=1e-13)


def test_e14_dense_connections(rng):
    """A source's gradient is the sum of its readers' slices; 2^(L-1) routes reach layer L."""
    layers = 5
    x = leaf(np.ones((1, 1)))
    features = x
    for _ in range(layers):
        s, b = skip.fork(features)
        features = skip.skip_concat(s, b.sum(dim=1, keepdim=True), dim=1)
    last = features[:, -1].sum()
    assert last.item() == 2 ** (layers - 1)
    last.backward()
    assert x.grad.item() == 2 ** (layers - 1)


def test_e14_add_and_concat(rng):
    s, b = leaf(rng.standard_normal((2, 3))), leaf(rng.standard_normal((2, 3)))
    g = rng.standard_normal((2, 3))
    skip.residual_add(s, b).backward(g)
    assert s.grad.array.tobytes() == b.grad.array.tobytes() == g.tobytes()
    s.grad = b.grad = None
    g = rng.standard_normal((2, 6))
    skip.skip_concat(s, b).backward(g)
    assert s.grad.array.tobytes() == np.ascontiguousarray(g[:, :3]).tobytes()
    assert b.grad.array.tobytes() == np.ascontiguousarray(g[:, 3:]).tobytes()
