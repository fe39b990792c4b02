"""Softmax and cross-entropy kernels: against their references, at the extremes, as derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad.kernels import classification as C
from minigrad.kernels import softmax as S

TABLE = (
    "softmax.softmax",
    "softmax.softmax_backward",
    "softmax.log_softmax",
    "softmax.log_softmax_backward",
    "softmax.logsumexp",
    "classification.cross_entropy",
    "classification.cross_entropy_backward",
)
SHAPES = [(0, 3), (1, 1), (4, 10), (3, 65), (20, 7)]
DTYPES = [np.float32, np.float64]


def arguments(name, shape, dtype, rng, weighted=False, smoothing=0.0):
    x = (4 * rng.standard_normal(shape)).astype(dtype)
    gy = rng.standard_normal(shape).astype(dtype)
    labels = rng.integers(0, shape[1], shape[0])
    labels[::3] = -100
    weight = rng.uniform(0.2, 2, shape[1]).astype(dtype) if weighted else None
    _, _, function = name.partition(".")
    if function == "cross_entropy":
        return x, labels, weight, -100, smoothing
    if function == "cross_entropy_backward":
        return gy[:, 0], S.log_softmax(x), labels, weight, -100, smoothing
    if function.endswith("backward"):
        return gy, getattr(S, function.removesuffix("_backward"))(x)
    return (x,)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_its_reference(name, shape, dtype, rng, agree):
    agree(name, *arguments(name, shape, dtype, rng))


@pytest.mark.parametrize("name", TABLE[-2:])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_options(name, weighted, smoothing, rng, agree):
    agree(name, *arguments(name, (11, 6), np.float64, rng, weighted, smoothing))


@pytest.mark.parametrize("name", TABLE)
def test_takes_any_strides(name, rng, agree):
    args = arguments(name, (9, 6), np.float64, rng, weighted=True)
    agree(name, *(np.repeat(np.asfortranarray(a), 2, axis=0)[::2] if isinstance(a, np.ndarray) else a for a in args))


@pytest.mark.parametrize("name", TABLE)
def test_one_thread_as_two(name, rng, same_in_parallel):
    same_in_parallel(name, *arguments(name, (23, 12), np.float32, rng, weighted=True, smoothing=0.1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["softmax.softmax", "softmax.log_softmax", "softmax.logsumexp"])
def test_infinities_and_nan(name, dtype, agree, same_in_parallel):
    inf, nan = np.inf, np.nan
    x = np.array(
        [
            [1, 2, -inf],
            [-inf, -inf, -inf],
            [-inf, -inf, 5],
            [1e4, -1e4, 0],
            [inf, 1, -inf],
            [nan, 1, 2],
            [1, nan, 2],
            [1, 2, nan],
            [-inf, -inf, nan],
            [inf, nan, 1],
        ],
        dtype=dtype,
    )
    agree(name, x)
    if dtype == np.float32:
        same_in_parallel(name, x)


def test_values_that_would_overflow():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0], [1000.0, -np.inf]])
    np.testing.assert_array_equal(S.softmax(x), [[0.5, 0.5], [0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(S.logsumexp(x), [1000 + math.log(2), -1000 + math.log(2), 1000], rtol=1e-15)


def test_large_logits_keep_their_digits(agree):
    """Subtracting the maximum and the logarithm in one would round their sum."""
    x = np.array([[30000.0, 30000.5, 29999.0], [-5e6, -5e6, -5e6]], dtype=np.float32)
    exact = S.log_softmax(x.astype(np.float64))
    np.testing.assert_allclose(S.log_softmax(x), exact, rtol=1e-6)
    np.testing.assert_allclose(C.cross_entropy(x, np.array([2, 0]), None, -100, 0.0)[1], exact, rtol=1e-6)


def test_a_masked_class_has_no_gradient():
    x = np.array([[0.0, -np.inf, 1.0]])
    losses, log_probs = C.cross_entropy(x, np.array([0]), None, -100, 0.0)
    np.testing.assert_allclose(losses, [math.log(1 + math.e)], rtol=1e-15)
    g = C.cross_entropy_backward(np.ones(1), log_probs, np.array([0]), None, -100, 0.0)
    assert g[0, 1] == 0
    np.testing.assert_allclose(g.sum(), 0, atol=1e-16)


def test_pytorch_values():
    """What ``torch.nn.functional.cross_entropy(..., reduction="none")`` gave for this."""
    x = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [2.0, 2.0, 2.0]])
    losses, _ = C.cross_entropy(x, np.array([1, 0, -100]), np.array([0.5, 2.0, 1.0]), -100, 0.1)
    np.testing.assert_allclose(losses, [0.9567068362068945, 1.7040008787958767, 0], rtol=1e-14)


def _slope(function, x, direction, h=1e-6):
    return (function(x + h * direction) - function(x - h * direction)) / (2 * h)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_backward_is_the_derivative(name, rng):
    x, gy, direction = rng.standard_normal((3, 5, 7))
    gx = getattr(S, f"{name}_backward")(gy, getattr(S, name)(x))
    slope = _slope(lambda x: (gy * getattr(S, name)(x)).sum(), x, direction)
    np.testing.assert_allclose((gx * direction).sum(), slope, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_backward_is_the_derivative(weighted, smoothing, rng):
    x, labels, *options = arguments("classification.cross_entropy", (8, 5), np.float64, rng, weighted, smoothing)
    g, direction = rng.standard_normal(8), rng.standard_normal(x.shape)
    gx = C.cross_entropy_backward(g, S.log_softmax(x), labels, *options)
    slope = _slope(lambda x: (g * C.cross_entropy(x, labels, *options)[0]).sum(), x, direction)
    np.testing.assert_allclose((gx * direction).sum(), slope, rtol=1e-6)
