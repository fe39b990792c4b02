"""Normalisation kernels: against their references, and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels import norm
from minigrad.kernels.compile import KERNELS

TABLE = (
    "norm.batch_norm",
    "norm.batch_norm_eval",
    "norm.batch_norm_backward",
    "layer_norm.layer_norm",
    "layer_norm.layer_norm_backward",
)
KIND = {"batch": "norm.batch_norm", "layer": "layer_norm.layer_norm"}
SHAPES = [(4, 3, 1), (1, 2, 5), (5, 1, 1), (3, 4, 7), (2, 3, 33), (37, 19, 1)]
DTYPES = [np.float32, np.float64]
EPS = 1e-5


def arguments(name, shape, dtype, rng, affine=True):
    """What the kernel takes for an x of this shape; layer norm's rows are the samples."""
    batch = name.startswith("norm.batch")
    shape = shape if batch else (shape[0], shape[1] * shape[2])
    groups = shape[1] if batch else shape[0]
    features = shape[1]
    x, gy = (rng.standard_normal((2, *shape)) * 2 + 1).astype(dtype)
    w, b = rng.standard_normal((2, features)).astype(dtype) if affine else (None, None)
    mean, var = rng.standard_normal(groups).astype(dtype), rng.uniform(0.5, 2, groups).astype(dtype)
    if name.endswith("eval"):
        return x, w, b, mean, var, EPS
    if name.endswith("backward"):
        return gy, x, w, mean, 1 / np.sqrt(var)
    return x, w, b, EPS


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_its_reference(name, shape, dtype, rng, agree):
    for affine in (True, False):
        agree(name, *arguments(name, shape, dtype, rng, affine), tolerance=2e-5 if dtype == np.float32 else None)


@pytest.mark.parametrize("name", TABLE)
def test_takes_any_strides(name, rng, agree):
    args = arguments(name, (6, 4, 10), np.float64, rng)
    agree(
        name,
        *(
            np.repeat(np.asfortranarray(a), 2, axis=0)[::2] if isinstance(a, np.ndarray) and a.ndim > 1 else a
            for a in args
        ),
    )


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("shape", [(9, 5, 1), (9, 5, 6)])
def test_one_thread_as_two(name, shape, rng, same_in_parallel):
    same_in_parallel(name, *arguments(name, shape, np.float32, rng))


@pytest.mark.parametrize("name", TABLE[1:])  # in training, batch norm needs an element to take the mean of
@pytest.mark.parametrize("shape", [(0, 3, 4), (0, 3, 1)])
def test_takes_an_empty_batch(name, shape, rng, agree):
    agree(name, *arguments(name, shape, np.float64, rng))


@pytest.mark.parametrize("shape", [(8, 3, 50), (400, 3, 1)])
def test_variance_is_stable_where_the_mean_is_large(shape, rng):
    """The mean of squares less the square of the mean would leave no digit here."""
    x = (rng.standard_normal(shape) + 3000).astype(np.float32)
    exact = x.astype(np.float64)
    _, mean, inv_std = norm.batch_norm(x, None, None, 0.0)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2)), rtol=1e-6)
    np.testing.assert_allclose(inv_std, 1 / exact.std(axis=(0, 2)), rtol=1e-5)
    _, _, inv_std = norm.layer_norm(x.reshape(3, -1), None, None, 0.0)
    np.testing.assert_allclose(inv_std, 1 / exact.reshape(3, -1).std(axis=1), rtol=1e-5)


def test_a_constant_group_gives_the_bias():
    x = np.full((4, 2, 3), 7.0)
    b = np.array([1.0, -2.0])
    y, _, _ = norm.batch_norm(x, np.ones(2), b, EPS)
    np.testing.assert_array_equal(y, np.broadcast_to(b[:, None], x.shape))


@pytest.mark.parametrize("shape", [(6, 2, 1), (3, 2, 4)])
@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_backward_is_the_derivative(kind, shape, rng):
    forward, backward = getattr(norm, f"{kind}_norm"), getattr(norm, f"{kind}_norm_backward")
    x, w, b, _ = arguments(KIND[kind], shape, np.float64, rng)
    y, mean, inv_std = forward(x, w, b, EPS)
    gy = rng.standard_normal(y.shape)
    gradients = backward(gy, x, w, mean, inv_std)
    for which, gradient in enumerate(gradients):
        direction, h = rng.standard_normal(gradient.shape), 1e-6
        ends = []
        for sign in (h, -h):
            moved = [x, w, b]
            moved[which] = moved[which] + sign * direction
            ends.append((gy * forward(*moved, EPS)[0]).sum())
        np.testing.assert_allclose((gradient * direction).sum(), (ends[0] - ends[1]) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
def test_running_statistics_move_as_in_the_reference(dtype, rng):
    mean, var, batch_mean = rng.uniform(0.5, 2, (3, 5)).astype(dtype)
    inv_std = np.array([0.5, 1, 2, 0.1, 1 / np.sqrt(EPS)], dtype)  # (the last: a variance of 0, or a little below)
    moved = [(mean.copy(), var.copy()) for _ in range(2)]
    for (m, v), move in zip(moved, KERNELS["norm.move_running"], strict=True):
        move(m, v, batch_mean, inv_std, EPS, 0.25, 1.5)
        assert m.dtype == v.dtype == dtype
    for a, b in zip(*moved, strict=True):
        np.testing.assert_allclose(a, b, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(moved[0][0], 0.75 * mean + 0.25 * batch_mean, rtol=4 * np.finfo(dtype).eps)
