"""Convolution kernels: the references against plain loops, the fast ones against the references."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minigrad.kernels import conv, threads
from minigrad.kernels.compile import KERNELS

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
#: x's shape, output channels, kernel, stride, padding, dilation, groups
CASES = {
    "3x3": ((2, 4, 7, 9), 6, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "several samples a task": ((9, 16, 4, 4), 32, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "bands of rows": ((2, 3, 33, 29), 5, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "stride 2": ((2, 16, 16, 16), 17, (3, 3), (2, 2), (1, 1), (1, 1), 1),
    "bands with a stride": ((1, 3, 61, 40), 16, (7, 7), (2, 2), (3, 3), (1, 1), 1),
    "1x1": ((3, 8, 5, 6), 12, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1, stride 2": ((3, 8, 8, 7), 8, (1, 1), (2, 2), (0, 0), (1, 1), 1),
    "stride above kernel": ((2, 2, 11, 12), 3, (2, 2), (4, 3), (0, 0), (1, 1), 1),
    "dilation": ((2, 3, 12, 11), 4, (3, 3), (1, 1), (2, 2), (2, 3), 1),
    "dilation and stride": ((2, 3, 14, 13), 4, (3, 2), (2, 4), (1, 0), (2, 2), 1),
    "much padding": ((1, 2, 3, 2), 3, (2, 3), (1, 1), (4, 5), (1, 1), 1),
    "groups": ((2, 8, 11, 6), 20, (5, 3), (3, 2), (4, 0), (1, 2), 4),
    "depthwise": ((2, 6, 6, 5), 6, (3, 3), (1, 1), (1, 1), (1, 1), 6),
    "one pixel": ((1, 1, 1, 1), 1, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "no samples": ((0, 4, 5, 5), 6, (3, 3), (1, 1), (1, 1), (1, 1), 2),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def make(case, rng, dtype=np.float64):
    """Draw x, w and gy for a case; what is left are the arguments that follow."""
    shape, out_channels, kernel, *how = case
    x = rng.standard_normal(shape).astype(dtype)
    w = rng.standard_normal((out_channels, shape[1] // how[-1], *kernel)).astype(dtype)
    gy = rng.standard_normal(KERNELS["conv.conv2d"].reference(x, w, *how).shape).astype(dtype)
    return x, w, gy, how


def loops(x, w, stride, padding, dilation, groups):
    """Yield every product of a convolution, as three indices: of y, of w and of x."""
    (n, c, height, width), (o, per_group, kh, kw) = x.shape, w.shape
    oh = (height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    for place in itertools.product(*map(range, (n, o, oh, ow, per_group, kh, kw))):
        sample, out, r, s, channel, i, j = place
        row = r * stride[0] + i * dilation[0] - padding[0]
        column = s * stride[1] + j * dilation[1] - padding[1]
        if 0 <= row < height and 0 <= column < width:
            source = out // (o // groups) * (c // groups) + channel
            yield (sample, out, r, s), (out, channel, i, j), (sample, source, row, column)


@pytest.mark.parametrize("name", ["3x3", "stride 2", "dilation and stride", "much padding", "groups"])
def test_references_against_loops(name, rng):
    shape, *others = CASES[name]
    x, w, gy, how = make(((min(shape[0], 1), *shape[1:]), *others), rng)
    y, gx, gw = np.zeros_like(gy), np.zeros_like(x), np.zeros_like(w)
    for at_y, at_w, at_x in loops(x, w, *how):
        y[at_y] += w[at_w] * x[at_x]
        gx[at_x] += w[at_w] * gy[at_y]
        gw[at_w] += gy[at_y] * x[at_x]
    np.testing.assert_allclose(KERNELS["conv.conv2d"].reference(x, w, *how), y, atol=1e-12)
    by_input = KERNELS["conv.conv2d_input_gradient"].reference(gy, w, x.shape[2:], *how)
    np.testing.assert_allclose(by_input, gx, atol=1e-12)
    by_weight = KERNELS["conv.conv2d_weight_gradient"].reference(gy, x, w.shape[2:], *how)
    np.testing.assert_allclose(by_weight, gw, atol=1e-12)


@cases
@pytest.mark.parametrize("dtype", DTYPES)
def test_fast_against_reference(case, dtype, rng, agree):
    x, w, gy, how = make(case, rng, dtype)
    b = rng.standard_normal(len(w)).astype(dtype)
    agree("conv.conv2d", x, w, *how, tolerance=TOLERANCE[dtype])
    agree("conv.conv2d", x, w, *how, b, tolerance=TOLERANCE[dtype])
    agree("conv.conv2d_input_gradient", gy, w, x.shape[2:], *how, tolerance=TOLERANCE[dtype])
    agree("conv.conv2d_weight_gradient", gy, x, w.shape[2:], *how, tolerance=TOLERANCE[dtype])


def test_any_strides(rng, agree):
    x, w, gy, how = make(CASES["3x3"], rng)
    x, w, gy = np.asfortranarray(x), w[:, ::-1, ::-1], np.broadcast_to(gy[:1, :, :, :1], gy.shape)
    agree("conv.conv2d", x, w, *how)
    agree("conv.conv2d_input_gradient", gy, w, x.shape[2:], *how)
    agree("conv.conv2d_weight_gradient", gy, x, w.shape[2:], *how)


@pytest.mark.parametrize("name", ["3x3", "several samples a task", "bands of rows", "dilation and stride"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_thread_and_two(name, dtype, rng, same_in_parallel):
    x, w, gy, how = make(CASES[name], rng, dtype)
    same_in_parallel("conv.conv2d", x, w, *how)
    same_in_parallel("conv.conv2d_input_gradient", gy, w, x.shape[2:], *how)
    same_in_parallel("conv.conv2d_weight_gradient", gy, x, w.shape[2:], *how)


def test_the_same_bits_whichever_thread_is_faster(rng, monkeypatch):
    """Threads take their work as it comes; what is summed with what, and in which order, doesn't depend on that."""
    monkeypatch.setattr(threads, "SMALL", 1)
    x, w, gy, how = make(CASES["several samples a task"], rng, np.float32)
    x, gy = np.repeat(x, 8, 0), np.repeat(gy, 8, 0)

    def run():
        return (
            conv.conv2d(x, w, *how, None).tobytes(),
            conv.conv2d_input_gradient(gy, w, x.shape[2:], *how).tobytes(),
            conv.conv2d_weight_gradient(gy, x, w.shape[2:], *how).tobytes(),
        )

    first = run()
    assert all(run() == first for _ in range(50))


@cases
def test_gradients_are_adjoint(case, rng):
    x, w, gy, how = make(case, rng)
    forward = np.vdot(conv.conv2d(x, w, *how), gy)
    by_input = np.vdot(x, conv.conv2d_input_gradient(gy, w, x.shape[2:], *how))
    by_weight = np.vdot(w, conv.conv2d_weight_gradient(gy, x, w.shape[2:], *how))
    np.testing.assert_allclose([by_input, by_weight], forward, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("extra", [(0, 0), (1, 0), (2, 1)])
def test_transposed_with_output_padding(extra, rng, agree):
    """A transposed convolution may ask for rows that no place of the kernel reaches, or more places fit."""
    how = (2, 3), (1, 1), (3, 1), 1
    w = rng.standard_normal((4, 5, 3, 3))
    x = rng.standard_normal((2, 4, 6, 5))
    output_hw = (5 * 2 - 2 + 3 * 2 + 1 + extra[0], 4 * 3 - 2 + 2 + 1 + extra[1])
    y = agree("conv.conv2d_input_gradient", x, w, output_hw, *how)
    agree("conv.conv2d_weight_gradient", x, y, (3, 3), *how)


def test_not_a_number_stays_in_its_windows(rng):
    x, w, _, how = make(CASES["several samples a task"], rng)
    x[1, 2, 0, 0] = np.nan
    touched = np.isnan(conv.conv2d(x, w, *how)).any(axis=1)
    assert np.argwhere(touched).tolist() == [[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]]


def test_half_precision_is_computed_in_single(rng):
    x, w, gy, how = make(CASES["groups"], rng, np.float16)
    for name, *args in (
        ("conv.conv2d", x, w, *how),
        ("conv.conv2d_input_gradient", gy, w, x.shape[2:], *how),
        ("conv.conv2d_weight_gradient", gy, x, w.shape[2:], *how),
    ):
        wide = KERNELS[name].fast(*(a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in args))
        half = KERNELS[name].fast(*args)
        assert half.dtype == np.float16
        np.testing.assert_array_equal(half, wide.astype(np.float16))


def test_integers(rng, agree):
    x, w, gy, how = (a if isinstance(a, list) else np.rint(3 * a).astype(np.int64) for a in make(CASES["3x3"], rng))
    agree("conv.conv2d", x, w, *how)
    agree("conv.conv2d_input_gradient", gy, w, x.shape[2:], *how)
    agree("conv.conv2d_weight_gradient", gy, x, w.shape[2:], *how)


@cases
def test_unfold_and_fold(case, rng, agree, same_in_parallel):
    shape, _, kernel, stride, padding, dilation, _ = case
    x = rng.standard_normal(shape)
    how = kernel, dilation, padding, stride
    cols = agree("conv.unfold", x, *how)
    agree("conv.unfold", np.asfortranarray(x), *how)
    g = rng.standard_normal(cols.shape)
    folded = agree("conv.fold", g, shape[2:], *how)
    np.testing.assert_allclose(np.vdot(cols, g), np.vdot(x, folded), atol=1e-10)
    same_in_parallel("conv.unfold", x, *how)
    same_in_parallel("conv.fold", g, shape[2:], *how)


def test_unfold_lays_out_patches():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    cols = [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    assert conv.unfold(x, (2, 2), (1, 1), (0, 0), (1, 1))[0].tolist() == cols
    counts = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert conv.fold(np.ones((1, 4, 4)), (3, 3), (2, 2), (1, 1), (0, 0), (1, 1))[0, 0].tolist() == counts
