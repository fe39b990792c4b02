"""Inner products and checked sums: against their references, on one thread and on two."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels import sums, threads
from minigrad.kernels.compile import KERNELS

SIZES = [0, 1, 7, sums.PIECE, sums.PIECE + 1, 3 * sums.PIECE + 5, threads.SMALL + 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_agree_with_their_references(dtype, size, rng):
    a, b = rng.standard_normal((2, size)).astype(dtype)
    tolerance = {np.float32: 1e-5, np.float64: 1e-13}[dtype] * max(size, 1) ** 0.5
    for name, arguments in (("inner", (a, b)), ("inner_and_sum", (a, b, a + b))):
        kernel = KERNELS[f"sums.{name}"]
        fast, reference = kernel.fast(*arguments), kernel.reference(*arguments)
        np.testing.assert_allclose(np.ravel(fast)[0], np.ravel(reference)[0], atol=tolerance)
        assert np.ravel(fast)[1:].tolist() == np.ravel(reference)[1:].tolist()


@pytest.mark.parametrize("at", [0, sums.PIECE - 1, sums.PIECE, 2 * sums.PIECE + 3])
def test_one_bit_that_is_wrong_is_found(at, rng):
    a, b = rng.standard_normal((2, 2 * sums.PIECE + 4)).astype(np.float32)
    total = a + b
    assert sums.inner_and_sum(a, b, total)[1]
    total[at] = np.nextafter(total[at], np.float32(np.inf))
    assert not sums.inner_and_sum(a, b, total)[1]


def test_nan_and_infinity_go_through(rng):
    a = rng.standard_normal(20)
    a[3] = np.nan
    assert np.isnan(sums.inner(a, a))
    a[3] = np.inf
    assert sums.inner(a, a) == np.inf


def test_any_strides_and_one_thread_as_two(rng, monkeypatch):
    a, b = rng.standard_normal((2, 40, 50, 30)).astype(np.float32)
    expected = float(np.vdot(a.astype(float), b.astype(float)))
    views = a.transpose(2, 0, 1), b.transpose(2, 0, 1)
    alone = sums.inner(*views)
    monkeypatch.setattr(sums, "SMALL", 1)
    monkeypatch.setattr(threads, "SMALL", 1)
    assert sums.inner(*views) == pytest.approx(alone, rel=1e-5) == pytest.approx(expected, rel=1e-4)
