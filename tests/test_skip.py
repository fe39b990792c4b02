"""The fork and the three joins: what each does to a gradient, and what it says when shapes differ."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, skip


def t64(rng, *shape):
    return mg.tensor(rng.standard_normal(shape), requires_grad=True)


def steps_by_kind(loss, gradient=None):
    return {type(s.node).__name__: (s.grad_outputs, s.grad_inputs) for s in mg.backward_steps(loss, gradient)}


def test_fork_sums(rng):
    x = t64(rng, 3)
    s, b = skip.fork(x)
    g_s, g_b = rng.standard_normal(3), rng.standard_normal(3)
    (s * g_s + b * g_b).sum().backward()
    np.testing.assert_array_equal(x.grad.array, g_s + g_b)


def test_residual_add_copies(rng):
    s, b = t64(rng, 2, 3), t64(rng, 2, 3)
    g = rng.standard_normal((2, 3))
    y = skip.residual_add(s, b)
    np.testing.assert_array_equal(y.array, s.array + b.array)
    _, (g_s, g_b) = steps_by_kind(y, g)["ResidualAdd"]
    assert g_s.tobytes() == g_b.tobytes() == g.tobytes()


@pytest.mark.parametrize("dim", [1, -1, 0])
def test_skip_concat_slices(rng, dim):
    shapes = {1: ((2, 3, 4), (2, 5, 4)), -1: ((2, 3, 4), (2, 3, 1)), 0: ((2, 3), (1, 3))}[dim]
    s, b = t64(rng, *shapes[0]), t64(rng, *shapes[1])
    y = skip.skip_concat(s, b, dim=dim)
    g = rng.standard_normal(y.shape)
    y.backward(g)
    parts = np.split(g, [shapes[0][dim]], axis=dim)
    np.testing.assert_array_equal(s.grad.array, parts[0])
    np.testing.assert_array_equal(b.grad.array, parts[1])


def test_highway_gate_weighs(rng):
    s, h, t = t64(rng, 2, 3), t64(rng, 2, 3), t64(rng, 2, 3)
    g = rng.standard_normal((2, 3))
    y = skip.highway_gate(s, h, t)
    np.testing.assert_allclose(y.array, (1 - t.array) * s.array + t.array * h.array, rtol=1e-15)
    y.backward(g)
    np.testing.assert_array_equal(s.grad.array, g * (1 - t.array))
    np.testing.assert_array_equal(h.grad.array, g * t.array)
    np.testing.assert_array_equal(t.grad.array, g * (h.array - s.array))


def test_a_gate_may_be_broadcast(rng):
    s, h, t = t64(rng, 2, 3), t64(rng, 2, 3), t64(rng, 3)
    assert mg.gradcheck(skip.highway_gate, (s, h, t))
    with pytest.raises(mg.OperationError, match=r"gate has shape \(4, 2, 3\)"):
        skip.highway_gate(s, h, t64(rng, 4, 2, 3))


def test_long_skips_nest_and_cross(rng):
    """A U-Net in small: two forks, joined in reverse order."""
    x = t64(rng, 2, 3)
    s1, h = skip.fork(x)
    s2, h = skip.fork(h.tanh())
    h = skip.skip_concat(s2, h.tanh(), dim=1)
    h = skip.skip_concat(s1, h, dim=1)
    assert h.shape == (2, 9)
    assert mg.gradcheck(lambda x: _small_unet(x), x)


def _small_unet(x):
    s1, h = skip.fork(x)
    s2, h = skip.fork(h.tanh())
    return skip.skip_concat(s1, skip.skip_concat(s2, h.tanh()))


def test_more_than_two_ways(rng):
    x = t64(rng, 3)
    a, b, c = skip.fork(x, 3)
    (a + 2 * b + 3 * c).sum().backward()
    assert x.grad.tolist() == [6, 6, 6]
    with pytest.raises(ValueError, match="ways must be an integer of at least 1"):
        skip.fork(x, 0)


def test_reprs(rng):
    s, b = skip.fork(mg.ones(4, 3, requires_grad=True))
    assert repr(s.node) == f"<Fork#{s.node.index} (4, 3) -> 2 x (4, 3)>"
    assert f"node=Fork#{s.node.index}[1]" in repr(b)


@pytest.mark.parametrize(
    ("skip_shape", "branch_shape", "remedy"),
    [
        ((8, 16, 8, 8), (8, 32, 4, 4), r"pass shortcut=Projection\(16, 32, stride=2\)"),
        ((8, 16, 8, 8), (8, 32, 8, 8), r"pass shortcut=Projection\(16, 32, stride=1\)"),
        ((8, 16), (8, 32), r"pass shortcut=nn.Linear\(16, 32\)"),
        ((8, 16), (4, 16), "batch dimension"),
        ((8, 16, 8, 8), (8, 16, 6, 8), "padding"),
    ],
)
def test_shapes_that_differ_at_a_join(skip_shape, branch_shape, remedy):
    s, b = mg.ones(skip_shape, requires_grad=True), mg.ones(branch_shape)
    with pytest.raises(mg.OperationError, match=remedy) as caught:
        skip.residual_add(s, b)  # the join
    message = str(caught.value)
    assert f"the branch gives {branch_shape} but the skip {skip_shape}" in message
    assert "the join" in message


def test_the_remedy_that_is_told_works():
    s, b = mg.ones(8, 16, 8, 8), mg.ones(8, 32, 4, 4)
    assert skip.residual_add(nn.Projection(16, 32, stride=2)(s), b).shape == (8, 32, 4, 4)


def test_concat_of_different_resolutions():
    with pytest.raises(mg.OperationError, match=r"differ in dimension 1 only.*interpolate"):
        skip.skip_concat(mg.ones(1, 4, 8, 8), mg.ones(1, 4, 4, 4))
