"""Pooling kernels: the references against plain loops, the fast ones against the references."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minigrad.kernels import pool
from minigrad.kernels.compile import KERNELS

DTYPES = [np.float32, np.float64]
#: x's height and width, kernel, stride, padding, dilation, ceil_mode
CASES = {
    "2x2": ((8, 6), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "overlapping": ((7, 9), (3, 3), (1, 2), (1, 1), (1, 1), False),
    "overhanging": ((7, 9), (3, 2), (2, 2), (1, 0), (1, 1), True),
    "overhanging that would start outside": ((5, 5), (2, 2), (3, 2), (1, 1), (1, 1), True),
    "dilated": ((9, 8), (3, 2), (2, 1), (1, 0), (2, 3), False),
    "dilated and overhanging": ((8, 9), (3, 2), (3, 2), (1, 1), (2, 1), True),
    "gaps": ((9, 9), (2, 1), (4, 3), (0, 0), (1, 1), False),
    "everything": ((4, 5), (4, 5), (4, 5), (0, 0), (1, 1), False),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
AVERAGES = [(True, None), (False, None), (True, 3)]  # count_include_pad, divisor_override


def windows(hw, kernel, stride, padding, dilation, ceil_mode):
    """Yield each window's place, and the elements of it that are inside the input."""
    counts = []
    for size, k, s, p, d in zip(hw, kernel, stride, padding, dilation, strict=True):
        starts = [
            start for start in range(-p, size + p, s) if (start < size if ceil_mode else start + (k - 1) * d < size + p)
        ]
        # With ceil_mode, one window hangs over, and no more.
        over = [start for start in starts if start + (k - 1) * d >= size + p]
        counts.append(len(starts) - max(0, len(over) - 1))
    for r, s in itertools.product(*map(range, counts)):
        rows = [r * stride[0] - padding[0] + i * dilation[0] for i in range(kernel[0])]
        columns = [s * stride[1] - padding[1] + j * dilation[1] for j in range(kernel[1])]
        yield (r, s), [(i, j) for i in rows for j in columns if 0 <= i < hw[0] and 0 <= j < hw[1]]


@cases
@pytest.mark.parametrize("version", ["reference", "fast"])
def test_max_pool_against_loops(case, version, rng):
    hw, *how = case
    x = np.rint(2 * rng.standard_normal((1, 1, *hw)))  # with ties
    y, indices = getattr(KERNELS["pool.max_pool2d"], version)(x, *how)
    gx = np.zeros(hw)
    seen = 0
    for place, inside in windows(hw, *how):
        first = max(inside, key=lambda at: x[0, 0][at])  # Python's max takes the first of equals
        assert (y[0, 0][place], indices[0, 0][place]) == (x[0, 0][first], first[0] * hw[1] + first[1])
        gx[first] += y[0, 0][place]
        seen += 1
    assert y.size == seen
    assert np.array_equal(getattr(KERNELS["pool.max_pool2d_backward"], version)(y, indices, hw)[0, 0], gx)
    assert np.array_equal(pool.max_pool2d_gather(x, indices), y)


@cases
@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool(case, dtype, rng, agree, same_in_parallel):
    hw, *how = case
    x = np.rint(2 * rng.standard_normal((3, 2, *hw))).astype(dtype)
    x[0, 1, 1:4, 2] = np.nan
    x[1, 0] = -np.inf
    y, indices = agree("pool.max_pool2d", x, *how)
    agree("pool.max_pool2d", np.asfortranarray(x), *how)
    agree("pool.max_pool2d", x[:0], *how)
    gy = rng.standard_normal(y.shape).astype(dtype)
    agree("pool.max_pool2d_backward", gy, indices, hw)
    agree("pool.max_pool2d_backward", np.asfortranarray(gy), np.asfortranarray(indices), hw)
    same_in_parallel("pool.max_pool2d", x, *how)
    same_in_parallel("pool.max_pool2d_backward", gy, indices, hw)


def test_max_pool_lets_nan_win():
    x = np.array([1.0, np.nan, 3.0, 9.0]).reshape(1, 1, 2, 2)
    y, indices = pool.max_pool2d(x, (2, 2), (2, 2))
    assert np.isnan(y).all()
    assert indices.item() == 1


@pytest.mark.parametrize("name", [name for name in CASES if "dilated" not in name])
@pytest.mark.parametrize(("include_pad", "divisor"), AVERAGES)
def test_avg_pool_against_loops(name, include_pad, divisor, rng):
    hw, kernel, stride, padding, dilation, ceil_mode = CASES[name]
    x = rng.standard_normal((1, 1, *hw))
    how = kernel, stride, padding, ceil_mode, include_pad, divisor
    y = pool.avg_pool2d(x, *how)
    gy = rng.standard_normal(y.shape)
    gx, seen = np.zeros(hw), 0
    for place, inside in windows(hw, *CASES[name][1:]):
        lengths = [
            min(r * s - p + k, size + p) - (r * s - p)
            for r, s, p, k, size in zip(place, stride, padding, kernel, hw, strict=True)
        ]
        count = divisor or (lengths[0] * lengths[1] if include_pad else len(inside))
        np.testing.assert_allclose(y[0, 0][place], sum(x[0, 0][at] for at in inside) / count, atol=1e-13)
        for at in inside:
            gx[at] += gy[0, 0][place] / count
        seen += 1
    assert y.size == seen
    np.testing.assert_allclose(pool.avg_pool2d_backward(gy, hw, *how)[0, 0], gx, atol=1e-13)


@pytest.mark.parametrize("output_hw", [(1, 1), (3, 4), (7, 9), (8, 12)])
def test_adaptive_avg_pool_against_loops(output_hw, rng):
    h, w = 7, 9
    x = rng.standard_normal((2, 3, h, w))
    y = pool.adaptive_avg_pool2d(x, output_hw)
    gy = rng.standard_normal(y.shape)
    gx = np.zeros_like(x)
    for r, s in np.ndindex(*output_hw):
        top, bottom = int(np.floor(r * h / output_hw[0])), int(np.ceil((r + 1) * h / output_hw[0]))
        left, right = int(np.floor(s * w / output_hw[1])), int(np.ceil((s + 1) * w / output_hw[1]))
        box = np.s_[:, :, top:bottom, left:right]
        np.testing.assert_allclose(y[:, :, r, s], x[box].mean(axis=(2, 3)), atol=1e-13)
        gx[box] += gy[:, :, r, s, None, None] / ((bottom - top) * (right - left))
    np.testing.assert_allclose(pool.adaptive_avg_pool2d_backward(gy, (h, w)), gx, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output_hw", [(1, 1), (3, 4), (8, 12)])
def test_means(dtype, output_hw, rng, agree, same_in_parallel):
    x = rng.standard_normal((2, 3, 7, 9)).astype(dtype)
    x[0, 0, 0, 0] = np.inf  # which must not turn into NaN where it doesn't belong
    gy = rng.standard_normal((2, 3, *output_hw)).astype(dtype)
    boxes = pool._adaptive_boxes((7, 9), output_hw)
    agree("boxes.box_mean", x, boxes)
    agree("boxes.box_mean", np.asfortranarray(x), boxes)
    agree("boxes.box_mean", x[:0], boxes)
    agree("boxes.box_spread", gy, boxes, (7, 9))
    agree("boxes.box_spread", np.broadcast_to(gy[:1], gy.shape), boxes, (7, 9))
    same_in_parallel("boxes.box_mean", x, boxes)
    same_in_parallel("boxes.box_spread", gy, boxes, (7, 9))
