"""Initialisers: their bounds, variances and structure."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init


def weight(*shape):
    return mg.zeros(*shape, dtype=mg.float64)


def test_gains():
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("conv2d") == init.calculate_gain("sigmoid") == 1
    assert init.calculate_gain("selu") == 0.75
    assert init.calculate_gain("leaky_relu", 2) == math.sqrt(2 / 5)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / 1.0001)
    with pytest.raises(ValueError, match="nonlinearity must be .* and is 'gelu'"):
        init.calculate_gain("gelu")


def test_fans():
    assert init.fans(weight(6, 4)) == (4, 6)
    assert init.fans(weight(6, 4, 3, 5)) == (60, 90)
    with pytest.raises(ValueError, match="for a bias take init.zeros_"):
        init.kaiming_normal_(weight(4))


@pytest.mark.parametrize(
    ("fill", "std", "bounded"),
    [
        (lambda w: init.xavier_uniform_(w, 2.0), 2 * math.sqrt(2 / 500), True),
        (lambda w: init.xavier_normal_(w), math.sqrt(2 / 500), False),
        (lambda w: init.kaiming_uniform_(w, nonlinearity="relu"), math.sqrt(2 / 200), True),
        (lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)), math.sqrt(1 / 3 / 200), True),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 300), False),
        (lambda w: init.uniform_(w, -3.0, 3.0), math.sqrt(3), True),
        (lambda w: init.normal_(w, 0.0, 0.02), 0.02, False),
    ],
)
def test_variances(fill, std, bounded):
    w = weight(300, 200)
    assert fill(w) is w
    assert w.array.std() == pytest.approx(std, rel=0.02)
    assert w.array.mean() == pytest.approx(0, abs=std * 0.02)
    top = np.abs(w.array).max() / std
    assert (0.99 * math.sqrt(3) < top <= math.sqrt(3)) if bounded else top > 3


def test_trunc_normal_stays_inside():
    w = init.trunc_normal_(weight(100, 100), std=0.02, a=-0.03, b=0.01)
    assert -0.03 <= w.array.min() < -0.029
    assert 0.009 < w.array.max() <= 0.01
    with pytest.raises(ValueError, match="hardly a draw"):
        init.trunc_normal_(weight(2), mean=10.0)


def test_constants():
    assert (init.constant_(weight(2, 2), 0.3).array == 0.3).all()
    assert (init.ones_(weight(2)).array == 1).all()
    assert not init.zeros_(init.ones_(weight(2))).array.any()
    np.testing.assert_array_equal(init.eye_(weight(2, 3)).array, np.eye(2, 3))
    with pytest.raises(ValueError, match="for convolutions there is dirac_"):
        init.eye_(weight(2, 2, 2))


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_gives_the_channels_back(rng, groups):
    conv = nn.Conv2d(4, 4, 3, padding=1, groups=groups, bias=False).double()
    init.dirac_(conv.weight, groups)
    x = mg.tensor(rng.standard_normal((1, 4, 5, 5)))
    np.testing.assert_allclose(conv(x).array, x.array, rtol=1e-14)
    with pytest.raises(ValueError, match="not divisible by groups=3"):
        init.dirac_(conv.weight, 3)
    with pytest.raises(ValueError, match="for weights of convolutions"):
        init.dirac_(weight(2, 2))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3)])
def test_orthogonal_rows_or_columns(shape):
    m = init.orthogonal_(weight(*shape), gain=2.0).array.reshape(shape[0], -1)
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)
    with pytest.raises(ValueError, match="two or more dimensions"):
        init.orthogonal_(weight(3))


def test_sparse_columns():
    w = init.sparse_(weight(10, 6), sparsity=0.25, std=1.0)
    assert ((w.array == 0).sum(0) == 3).all()
    with pytest.raises(ValueError, match="sparse_ is for matrices"):
        init.sparse_(weight(3), 0.1)


def test_a_generator_decides():
    draws = [init.normal_(weight(4), generator=mg.Generator().manual_seed(5)).tolist() for _ in range(2)]
    assert draws[0] == draws[1]


def test_parameters_are_filled_in_place_without_a_graph():
    p = nn.Parameter(mg.zeros(3, 3))
    array = p.array
    assert init.xavier_normal_(p) is p
    assert p.array is array
    assert p.is_leaf
    assert init.kaiming_uniform_(weight(0, 3)).shape == (0, 3)


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out'"):
        init.kaiming_normal_(weight(2, 2), mode="fan")


@pytest.mark.parametrize(
    "fill",
    [
        init.uniform_,
        init.normal_,
        init.trunc_normal_,
        init.ones_,
        init.eye_,
        init.orthogonal_,
        init.kaiming_uniform_,
        lambda w: init.sparse_(w, 0.5),
        lambda w: init.dirac_(w.data.reshape(3, 3, 1)),
    ],
)
def test_backward_notices_weights_that_were_drawn_anew(fill):
    w, x = nn.Parameter(mg.rand(3, 3)), mg.rand(2, 3, requires_grad=True)
    y = nn.functional.linear(x, w)
    fill(w)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        (y * y).sum().backward()
