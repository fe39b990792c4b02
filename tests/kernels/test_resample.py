"""Resampling kernels: the references against plain loops, the fast ones against the references."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad.kernels import resample
from minigrad.kernels.compile import KERNELS

DTYPES = [np.float32, np.float64]
#: the input's height and width, the output's, and the scales asked for
CASES = {
    "twice": ((4, 5), (8, 10), None),
    "odd sizes": ((7, 9), (13, 29), None),
    "smaller": ((7, 9), (5, 3), None),
    "one pixel": ((7, 9), (1, 1), None),
    "from one pixel": ((1, 1), (3, 2), None),
    "scale": ((7, 9), (11, 20), (1.7, 2.3)),
    "scale below one": ((7, 9), (3, 9), (0.55, 1.0)),
    "same": ((3, 4), (3, 4), None),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def sources(input_hw, output_hw, scale, mode):
    """Give, along each axis, the input elements and weights that make each output element."""
    axes = []
    for size, count, factor in zip(input_hw, output_hw, scale or (None, None), strict=True):
        step = 1 / factor if factor else size / count
        axis = []
        for place in range(count):
            if mode == "nearest":
                axis.append([(min(math.floor(place * step), size - 1), 1.0)])
                continue
            if mode == "corners":
                at = place * (size - 1) / (count - 1) if count > 1 else 0.0
            else:
                at = max((place + 0.5) * step - 0.5, 0.0)
            first = min(math.floor(at), size - 1)
            weight = min(at - first, 1.0)
            axis.append([(first, 1 - weight), (min(first + 1, size - 1), weight)])
        axes.append(axis)
    return axes


def version(kind, mode, name):
    """Give a kernel's version, and the arguments that choose the mode."""
    kernel = KERNELS[f"resample.interpolate_{'nearest' if mode == 'nearest' else 'bilinear'}{name}"]
    return getattr(kernel, kind), () if mode == "nearest" else (mode == "corners",)


@cases
@pytest.mark.parametrize("mode", ["nearest", "edges", "corners"])
@pytest.mark.parametrize("kind", ["reference", "fast"])
def test_against_loops(case, mode, kind, rng):
    input_hw, output_hw, scale = case
    x, gy = rng.standard_normal((2, 1, *input_hw)), rng.standard_normal((2, 1, *output_hw))
    y, gx = np.zeros_like(gy), np.zeros_like(x)
    down, across = sources(input_hw, output_hw, scale, mode)
    for r, s in np.ndindex(*output_hw):
        for i, v in down[r]:
            for j, u in across[s]:
                y[:, :, r, s] += v * u * x[:, :, i, j]
                gx[:, :, i, j] += v * u * gy[:, :, r, s]
    forward, how = version(kind, mode, "")
    np.testing.assert_allclose(forward(x, output_hw, *how, scale), y, atol=1e-12)
    backward, how = version(kind, mode, "_backward")
    np.testing.assert_allclose(backward(gy, input_hw, *how, scale), gx, atol=1e-12)


@cases
@pytest.mark.parametrize("dtype", DTYPES)
def test_fast_against_reference(case, dtype, rng, agree):
    input_hw, output_hw, scale = case
    x = rng.standard_normal((2, 3, *input_hw)).astype(dtype)
    gy = rng.standard_normal((2, 3, *output_hw)).astype(dtype)
    for batch in (x, np.asfortranarray(x), x[:0]):
        agree("resample.interpolate_nearest", batch, output_hw, scale)
        for align_corners in (False, True):
            agree("resample.interpolate_bilinear", batch, output_hw, align_corners, scale)
    for batch in (gy, np.broadcast_to(gy[:1], gy.shape), gy[:0]):
        agree("resample.interpolate_nearest_backward", batch, input_hw, scale)
        for align_corners in (False, True):
            agree("resample.interpolate_bilinear_backward", batch, input_hw, align_corners, scale)


def test_one_thread_and_two(rng, same_in_parallel):
    x, gy = rng.standard_normal((2, 3, 7, 9)), rng.standard_normal((2, 3, 13, 5))
    same_in_parallel("resample.interpolate_nearest", x, (13, 5))
    same_in_parallel("resample.interpolate_nearest_backward", gy, (7, 9))
    same_in_parallel("resample.interpolate_bilinear", x, (13, 5), False)
    same_in_parallel("resample.interpolate_bilinear_backward", gy, (7, 9), False)


def test_a_scale_counts_as_it_was_asked_for():
    x = np.arange(3.0).reshape(1, 1, 1, 3)
    assert resample.interpolate_nearest(x, (1, 4)).ravel().tolist() == [0, 0, 1, 2]
    assert resample.interpolate_nearest(x, (1, 4), (1.0, 1.6)).ravel().tolist() == [0, 0, 1, 1]


def test_corners_stay():
    x = np.array([0.0, 10.0]).reshape(1, 1, 1, 2)
    assert resample.interpolate_bilinear(x, (1, 5), True).ravel().tolist() == [0, 2.5, 5, 7.5, 10]
    assert resample.interpolate_bilinear(x, (1, 4), False).ravel().tolist() == [0, 2.5, 7.5, 10]
