"""Broadcasting and indexing against NumPy, on shapes and keys that nobody would think of."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

few = settings(max_examples=60, deadline=None)


@few
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0), st.sampled_from("+-*"))
def test_broadcasting(shapes, operator):
    rng = np.random.default_rng(0)
    a, b = (mg.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes.input_shapes)
    y = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b}[operator]()
    assert y.shape == shapes.result_shape
    g = rng.standard_normal(y.shape)
    y.backward(g)
    ones = np.ones(shapes.result_shape)
    factors = {"+": (ones, ones), "-": (ones, -ones), "*": (ones * b.array, ones * a.array)}[operator]
    for x, factor in zip((a, b), factors, strict=True):
        # Independent of the engine: move every output element's share to the place it was broadcast from.
        expected = np.zeros(x.shape)
        places = np.broadcast_to(np.arange(x.array.size).reshape(x.shape), y.shape)
        np.add.at(expected.reshape(-1), places.reshape(-1), (g * factor).reshape(-1))
        assert x.grad.shape == x.shape
        np.testing.assert_allclose(x.grad.array, expected, atol=1e-12)


shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


@few
@given(st.data())
def test_basic_indexing(data):
    shape = data.draw(shapes)
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True).filter(_no_negative_step))
    _check(shape, key)


def _no_negative_step(key):
    parts = key if isinstance(key, tuple) else (key,)
    return all(not isinstance(p, slice) or (p.step or 1) > 0 for p in parts)


@few
@given(st.data())
def test_integer_array_indexing(data):
    shape = data.draw(shapes)
    result = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
    _check(shape, data.draw(hnp.integer_array_indices(shape, result_shape=result)))


@few
@given(st.data())
def test_boolean_indexing(data):
    shape = data.draw(shapes)
    _check(shape, data.draw(hnp.arrays(bool, shape)))


def _check(shape, key):
    rng = np.random.default_rng(1)
    x = mg.tensor(rng.standard_normal(shape), requires_grad=True)
    y = x[key]
    np.testing.assert_array_equal(y.array, x.array[key])
    g = rng.standard_normal(y.shape)
    y.backward(g)
    expected = np.zeros(shape)
    np.add.at(expected, key, g)
    np.testing.assert_allclose(x.grad.array, expected, atol=1e-12)
