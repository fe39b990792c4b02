"""Activation kernels: against their references, at the extremes, and against known values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad.kernels import elementwise as E
from minigrad.kernels.compile import KERNELS

#: Each kernel with how many arrays of one shape it takes, and its other arguments.
TABLE = {
    "elementwise.relu": (1, ()),
    "elementwise.relu_backward": (2, ()),
    "elementwise.leaky_relu": (1, (0.1,)),
    "elementwise.leaky_relu_backward": (2, (0.1,)),
    "elementwise.elu": (1, (1.3,)),
    "elementwise.elu_backward": (2, (1.3,)),
    "elementwise.sigmoid": (1, ()),
    "elementwise.sigmoid_backward": (2, ()),
    "elementwise.tanh_backward": (2, ()),
    "elementwise.silu": (1, ()),
    "elementwise.silu_backward": (2, ()),
    "elementwise.softplus": (1, (1.5, 20.0)),
    "elementwise.softplus_backward": (2, (1.5, 20.0)),
    "gelu.erf": (1, ()),
    "gelu.gelu": (1, ()),
    "gelu.gelu_backward": (2, ()),
    "gelu.gelu_tanh": (1, ()),
    "gelu.gelu_tanh_backward": (2, ()),
}
SHAPES = [(), (0,), (1,), (8,), (3, 0, 2), (5, 7, 3)]
DTYPES = [np.float32, np.float64]
each_kernel = pytest.mark.parametrize("name", TABLE)

#: Each forward with its backward, by the input.
BACKWARD = {
    "leaky_relu": (E.leaky_relu_backward, (0.1,)),
    "elu": (E.elu_backward, (1.3,)),
    "silu": (E.silu_backward, ()),
    "softplus": (E.softplus_backward, (1.5, 20.0)),
    "gelu": (E.gelu_backward, ()),
    "gelu_tanh": (E.gelu_tanh_backward, ()),
}


@each_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_its_reference(name, dtype, shape, rng, agree):
    count, options = TABLE[name]
    agree(name, *(np.asarray(3 * rng.standard_normal(shape), dtype=dtype) for _ in range(count)), *options)


@each_kernel
def test_takes_any_strides(name, rng, agree):
    count, options = TABLE[name]
    arrays = [rng.standard_normal((6, 8, 5))[::2, ::-1].T for _ in range(count)]
    arrays[-1] = np.broadcast_to(arrays[-1][:, :1], arrays[-1].shape)
    agree(name, *arrays, *options)


@each_kernel
def test_one_thread_as_two(name, rng, same_in_parallel):
    count, options = TABLE[name]
    arrays = [(3 * rng.standard_normal((41, 7))).astype(np.float32) for _ in range(count)]
    same_in_parallel(name, *arrays, *options)


@each_kernel
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_goes_through_and_nothing_else_becomes_one(name, dtype):
    count, options = TABLE[name]
    x = np.array([np.nan, 1e4, -1e4, 90, -90, 30, -30, 1e-30, -1e-30, 0.0, -0.0], dtype=dtype)
    if "sigmoid_b" in name or "tanh_b" in name:  # by the output, which is bounded
        x = np.clip(x, -1, 1)
    gradient_is_nan = [np.where(np.isnan(x), np.nan, 1).astype(dtype)] if count == 2 else []
    y = KERNELS[name].fast(*gradient_is_nan, x, *options)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_add_bias(dtype, rng, agree, same_in_parallel):
    for rows, columns in [(0, 3), (1, 1), (9, 5), (33, 64)]:
        y, b = rng.standard_normal((rows, columns)).astype(dtype), rng.standard_normal(columns).astype(dtype)
        agree("elementwise.add_bias", y, b)
        agree("elementwise.add_bias", y, np.repeat(b, 2)[::2])
    if dtype == np.float32:
        same_in_parallel("elementwise.add_bias", y, b)


def test_extremes():
    x = np.array([-1000.0, 1000.0, -np.inf, np.inf])
    for dtype in DTYPES:
        np.testing.assert_array_equal(E.sigmoid(x.astype(dtype)), [0, 1, 0, 1])
        np.testing.assert_array_equal(E.erf(x.astype(dtype)), [-1, 1, -1, 1])
        np.testing.assert_array_equal(E.elu(x.astype(dtype), 1.0), [-1, 1000, -1, np.inf])
        np.testing.assert_array_equal(E.softplus(x.astype(dtype), 1.0, 20.0), [0, 1000, 0, np.inf])
        np.testing.assert_array_equal(E.silu(x[:2].astype(dtype)), [0, 1000])
        np.testing.assert_array_equal(E.gelu(x[:2].astype(dtype)), [0, 1000])
        np.testing.assert_array_equal(E.gelu_tanh(x[:2].astype(dtype)), [0, 1000])
    assert E.softplus(np.array([500.0]), 2.0, 1e9) == 500  # without the threshold's help


def test_kinks_are_as_in_pytorch():
    g, x = np.array([5.0, 5.0, 5.0]), np.array([0.0, -0.0, np.nan])
    np.testing.assert_array_equal(E.relu_backward(g, x), [0, 0, 5])
    np.testing.assert_array_equal(E.leaky_relu_backward(g, x, 0.1), [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(E.elu_backward(g[:2], x[:2], 2.0), [10, 10])


def test_known_values():
    one = np.array([1.0])
    np.testing.assert_allclose(E.erf(one), 0.8427007929497149, rtol=1e-15)
    np.testing.assert_allclose(E.gelu(one), 0.8413447460685429, rtol=1e-15)
    np.testing.assert_allclose(E.gelu_tanh(one), 0.8411919906082768, rtol=1e-14)
    np.testing.assert_allclose(E.sigmoid(one), 1 / (1 + math.exp(-1)), rtol=1e-15)
    np.testing.assert_allclose(E.softplus(one, 1.0, 20.0), math.log(1 + math.e), rtol=1e-15)


@pytest.mark.parametrize("name", BACKWARD)
def test_backward_is_the_derivative(name, rng):
    backward, options = BACKWARD[name]
    x, gy, h = rng.uniform(0.01, 4, 200) * rng.choice([-1, 1], 200), rng.standard_normal(200), 1e-6
    forward = getattr(E, name)
    slope = (forward(x + h, *options) - forward(x - h, *options)) / (2 * h)
    np.testing.assert_allclose(backward(gy, x, *options), gy * slope, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("function", "low", "high", "units"),
    [
        (E.erf, -5, 5, 2),
        (E.sigmoid, -87, 20, 3),
        (lambda x: E.elu(x, 1.0), -20, 0, 2),
        (lambda x: E.softplus(x, 1.0, 20.0), -80, 20, 4),
    ],
    ids=["erf", "sigmoid", "elu", "softplus"],
)
def test_float32_is_accurate_to_a_few_units_in_the_last_place(function, low, high, units):
    x = np.concatenate([np.linspace(low, high, 20_000), np.geomspace(1e-6, 1, 1000) * np.sign(low)])
    x = x.astype(np.float32)
    exact = function(x.astype(np.float64))
    error = np.abs(function(x) - exact) / np.spacing(np.abs(exact).astype(np.float32))
    assert error.max() < units
