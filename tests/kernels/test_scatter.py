"""Scattering kernels: against their references, which are ``np.add.at``."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels import scatter

DTYPES = [np.float32, np.float64]
MASK = np.array([True, False, True, True, False])
INTEGERS = np.array([4, 0, 4, -1, 2])
#: Keys into an array of shape (5, 4, 3).
KEYS = {
    "integer": 2,
    "negative": -1,
    "slice": slice(1, 4),
    "steps": (slice(None, None, -2), slice(None, 3)),
    "ellipsis": (..., 1),
    "new axis": (None, slice(None), None),
    "everything": (),
    "mask": MASK,
    "mask and slice": (MASK, slice(1, 3)),
    "whole mask": np.arange(60).reshape(5, 4, 3) % 7 == 0,
    "truth": True,
    "integers": INTEGERS,
    "integers in a tuple": (INTEGERS,),
    "integers in a list": [1, 1, -5],
    "matrix of integers": np.array([[0, 1, 1], [1, 1, 4]]),
    "no integers": np.array([], dtype=np.int64),
    "one integer": np.array(3),
    "unsigned": np.array([3, 3], dtype=np.uint8),
    "integers and slice": (INTEGERS, slice(0, 2)),
    "integers on axis 1": (slice(None), np.array([3, 3, 0])),
    "pairs": (np.array([1, 1, 2]), np.array([0, 0, 3])),
    "outer": (np.array([[1], [1]]), np.array([0, 3, 3])),
    "apart": (np.array([1, 1]), slice(None), np.array([2, 2])),
    "integers and an integer": (INTEGERS, 1),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_index_add(key, dtype, rng, agree):
    values = np.asarray(rng.standard_normal(np.zeros((5, 4, 3))[key].shape), dtype=dtype)
    agree("scatter.index_add", (5, 4, 3), key, values, dtype)
    agree("scatter.index_add", (5, 4, 3), key, np.asfortranarray(values), dtype)


def test_index_add_is_the_adjoint_of_indexing(rng):
    """<x[key], v> = <x, index_add(key, v)>."""
    x = rng.standard_normal((5, 4, 3))
    for key in KEYS.values():
        values = rng.standard_normal(x[key].shape)
        scattered = scatter.index_add(x.shape, key, values, x.dtype)
        np.testing.assert_allclose((x[key] * values).sum(), (x * scattered).sum(), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "count"), [((5,), 9), ((3, 1), 0), ((7, 2, 70), 30), ((4, 0), 3), ((1, 65), 2)])
def test_add_at_rows(dtype, shape, count, rng, agree):
    index = rng.integers(-shape[0], shape[0], count)
    agree("scatter.add_at_rows", shape, index, rng.standard_normal((count, *shape[1:])).astype(dtype))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_add(axis, dtype, rng, agree):
    src = rng.standard_normal((4, 3, 5)).astype(dtype)
    index = rng.integers(-6, 6, src.shape)
    exact = list(src.shape)
    exact[axis] = 6
    agree("scatter.scatter_add", tuple(exact), index, src, axis)
    agree("scatter.scatter_add", (6, 6, 6), index, src, axis)  # the index ends before the array does
    agree("scatter.scatter_add", tuple(exact), index[:1], src, axis)  # one for all


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_scatter_add_of_nothing(shape, agree):
    agree("scatter.scatter_add", (3, 3), np.zeros(shape, dtype=np.int64), np.zeros(shape), 0)


def test_takes_any_strides(rng, agree):
    src, index = rng.standard_normal((8, 6))[::2].T, rng.integers(0, 5, (8, 6))[::2].T
    agree("scatter.scatter_add", (5, 4), index, src, 0)
    agree("scatter.scatter_add", (6, 5), index.astype(np.int32), src, 1)
    agree("scatter.add_at_rows", (5, 4), index[:, 0], src)


def test_one_thread_as_two(rng, same_in_parallel):
    rows, index = rng.standard_normal((40, 150)).astype(np.float32), rng.integers(0, 6, 40)
    same_in_parallel("scatter.add_at_rows", (6, 150), index, rows)
    same_in_parallel("scatter.index_add", (6, 150), index, rows, np.float32)
    same_in_parallel("scatter.scatter_add", (40, 9), rng.integers(0, 9, rows.shape), rows, 1)


def test_the_sum_has_one_order(rng):
    """Adding 1e8 before 1 or after it makes a difference in float32: the index says which comes first."""
    rows = np.array([[1e8], [1], [1], [-1e8]], dtype=np.float32)
    once = scatter.add_at_rows((1, 1), np.zeros(4, dtype=np.int64), rows)
    assert once == ((np.float32(1e8) + 1) + 1) - np.float32(1e8)
