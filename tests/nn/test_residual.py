"""Layers with a skip connection: what they compute, what backward does, and what the nodes are called."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def t64(rng, *shape):
    return mg.tensor(rng.standard_normal(shape), requires_grad=True)


def nodes_of(loss):
    return [step.node for step in mg.backward_steps(loss)][::-1]


def test_identity_shortcut(rng):
    branch = nn.Linear(3, 3).double()
    x, g = t64(rng, 2, 3), rng.standard_normal((2, 3))
    y = nn.Residual(branch)(x)
    np.testing.assert_allclose(y.array, x.array + branch(x).array, rtol=1e-14)
    y.backward(g)
    np.testing.assert_allclose(x.grad.array, g + g @ branch.weight.array, rtol=1e-14)


def test_every_part(rng):
    branch, shortcut = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    block = nn.Residual(branch, shortcut, after=nn.ReLU(), scale=0.5)
    x = t64(rng, 4, 3)
    np.testing.assert_allclose(block(x).array, np.maximum(shortcut(x).array + 0.5 * branch(x).array, 0), rtol=1e-14)
    assert [name for name, _ in block.named_children()] == ["branch", "shortcut", "after"]


def test_parts_may_be_functions(rng):
    x = t64(rng, 4)
    np.testing.assert_allclose(
        nn.Residual(F.tanh, after=F.relu)(x).array, np.maximum(x.array + np.tanh(x.array), 0), rtol=1e-14
    )


def test_a_learnt_scale_at_zero_lets_nothing_into_the_branch(rng):
    """SkipInit: the block is the identity to the bit, yet the scale itself has a gradient."""
    block = nn.Residual(nn.Linear(3, 3), scale=nn.Parameter(mg.zeros(1))).double()
    x, g = t64(rng, 2, 3), rng.standard_normal((2, 3))
    y = block(x)
    assert y.array.tobytes() == x.array.tobytes()
    y.backward(g)
    np.testing.assert_array_equal(x.grad.array, g)
    assert not block.branch.weight.grad.array.any()
    np.testing.assert_allclose(block.scale.grad.item(), (g * block.branch(x).array).sum(), rtol=1e-12)
    assert list(block.state_dict()) == ["scale", "branch.weight", "branch.bias"]


def test_nodes_carry_the_paths():
    net = nn.Sequential(nn.Linear(4, 4), nn.Residual(nn.Linear(4, 4), after=nn.ReLU()))
    nodes = nodes_of(net(mg.ones(1, 4)).sum())
    assert [(type(n).__name__, n.module) for n in nodes] == [
        ("Linear", "0"),
        ("Fork", "1"),
        ("Linear", "1.branch"),
        ("ResidualAdd", "1"),
        ("ReLU", "1.after"),
        ("Sum", ""),
    ]


def test_unlike_shapes_say_which_shortcut_helps():
    block = nn.Residual(nn.Conv2d(16, 32, 3, stride=2, padding=1))
    with pytest.raises(RuntimeError, match=r"pass shortcut=Projection\(16, 32, stride=2\)"):
        block(mg.ones(8, 16, 8, 8))
    block.shortcut = nn.Projection(16, 32, stride=2)
    assert block(mg.ones(8, 16, 8, 8)).shape == (8, 32, 4, 4)


def test_projection_is_option_b():
    projection = nn.Projection(3, 5, stride=2)
    assert list(projection.state_dict())[:3] == ["conv.weight", "norm.weight", "norm.bias"]
    assert projection.conv.weight.shape == (5, 3, 1, 1)
    bare = nn.Projection(3, 5, norm=False)
    assert list(bare.state_dict()) == ["conv.weight"]
    x = mg.randn(2, 3, 4, 4)
    np.testing.assert_allclose(
        bare(x).array,
        np.einsum("nchw,oc->nohw", x.array, bare.conv.weight.array[:, :, 0, 0]),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 5, 4)])
def test_pad_shortcut_is_option_a(rng, shape):
    x = t64(rng, *shape)
    shortcut = nn.PadShortcut(3, 5, stride=2)
    y = shortcut(x)
    subsampled = x.array[(slice(None), slice(None), *(slice(None, None, 2),) * (len(shape) - 2))]
    np.testing.assert_array_equal(y.array[:, :3], subsampled)
    assert not y.array[:, 3:].any()
    assert y.shape[1] == 5
    assert not list(shortcut.parameters())
    y.backward(np.ones(y.shape))
    assert x.grad.array.sum() == subsampled.size
    with pytest.raises(ValueError, match=r"use Projection\(5, 3, stride=1\)"):
        nn.PadShortcut(5, 3)


def test_pad_shortcut_without_change_is_the_identity():
    x = mg.ones(1, 2)
    assert nn.PadShortcut(2, 2)(x) is x


def test_skip_concat_slices_its_gradient(rng):
    block = nn.SkipConcat(nn.Linear(3, 2).double())
    x, g = t64(rng, 4, 3), rng.standard_normal((4, 5))
    y = block(x)
    np.testing.assert_array_equal(y.array[:, :3], x.array)
    y.backward(g)
    np.testing.assert_allclose(x.grad.array, g[:, :3] + g[:, 3:] @ block.branch.weight.array, rtol=1e-14)
    assert nn.SkipConcat(nn.Identity(), dim=0)(x).shape == (8, 3)


def test_highway_weighs(rng):
    gate = nn.Sequential(nn.Linear(3, 3), nn.Sigmoid())
    layer = nn.Highway(nn.Linear(3, 3), gate).double()
    x = t64(rng, 2, 3)
    t, h = gate(x).array, layer.branch(x).array
    y = layer(x)
    np.testing.assert_allclose(y.array, (1 - t) * x.array + t * h, rtol=1e-14)
    g = rng.standard_normal((2, 3))
    y.backward(g)
    by_gate = g * (h - x.array) * t * (1 - t) @ gate[0].weight.array
    np.testing.assert_allclose(x.grad.array, g * (1 - t) + (g * t) @ layer.branch.weight.array + by_gate, rtol=1e-12)
    assert [type(n).__name__ for n in nodes_of(layer(x).sum())][0] == "Fork"


def test_a_closed_highway_carries_the_gradient_as_lambda_to_the_n():
    """With zero gate weights and bias b, n layers carry (1 - sigmoid(b))^n: 0.875 at b = -6, n = 54."""
    layers = []
    for _ in range(54):
        gate = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
        branch = nn.Linear(2, 2)
        nn.init.zeros_(gate[0].weight)
        nn.init.constant_(gate[0].bias, -6.0)
        nn.init.zeros_(branch.weight)
        layers.append(nn.Highway(branch, gate))
    x = mg.ones(1, 2, dtype=mg.float64, requires_grad=True)
    nn.Sequential(*layers).double()(x).sum().backward()
    expected = (1 - 1 / (1 + np.exp(6.0))) ** 54
    np.testing.assert_allclose(x.grad.array, expected, rtol=1e-12)
    assert expected == pytest.approx(0.875, abs=5e-4)


def test_reprs():
    assert repr(nn.Residual(nn.ReLU(), scale=0.5)) == "Residual(\n  scale=0.5\n  (branch): ReLU()\n)"
    learnt = nn.Residual(nn.ReLU(), scale=nn.Parameter(mg.zeros(1)))
    assert repr(learnt) == "Residual(\n  scale=learnt\n  (branch): ReLU()\n)"
    assert repr(nn.PadShortcut(2, 4, stride=2)) == "PadShortcut(2, 4, stride=2)"
    assert repr(nn.SkipConcat(nn.ReLU())) == "SkipConcat(\n  dim=1\n  (branch): ReLU()\n)"
