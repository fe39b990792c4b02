"""Saving: what was saved is what is loaded, and nothing that fails costs the file that was there."""

from __future__ import annotations

import io
import math
import os
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad import serialize
from minigrad.serialize import load, save
from minigrad.tensors.tensor import Tensor, from_array

DTYPES = [np.bool_, np.uint8, np.int32, np.int64, np.float16, np.float32, np.float64]


def same(a, b):
    """Assert that two values are equal, down to types, dtypes, shapes and the order of keys."""
    assert type(a) is type(b)
    if isinstance(a, Tensor):
        assert a.dtype == b.dtype
        assert a.requires_grad == b.requires_grad
        np.testing.assert_array_equal(a.array, b.array)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        assert list(map(type, a)) == list(map(type, b))
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b or (math.isnan(a) and math.isnan(b))


def through_memory(value):
    file = io.BytesIO()
    save(value, file)
    file.seek(0)
    return load(file)


def t(values, dtype=np.float32):
    return from_array(np.array(values, dtype))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def checkpoint():
    return {
        "model": {"conv.weight": t([[1.0, 2.0]]), "conv.bias": t([0.0])},
        "optim": {
            "state": {0: {"step": 7, "exp_avg": t([1.5])}, 1: {"step": 7, "exp_avg": t([2.5])}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "nesterov": False, "params": [0, 1]}],
        },
        "epoch": 3,
        "note": "schöne Grüße \ud800",
        "best": None,
        "history": [0.5, math.inf, -math.inf, math.nan, 1e-300, 0.1 + 0.2],
        "rng": {"state": 2**127 + 1},
    }


def test_checkpoint(path):
    save(checkpoint(), path)
    same(load(path), checkpoint())


def test_paths_of_any_kind(path):
    save({"x": t([1.0])}, str(path))
    same(load(path), {"x": t([1.0])})
    save({"x": t([2.0])}, os.fspath(path))
    same(load(str(path)), {"x": t([2.0])})


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)).map(from_array)
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=4), st.integers()), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(values)
def test_whatever_is_saved_is_loaded(value):
    same(through_memory(value), value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (5,), (2, 3)])
def test_dtypes_and_shapes(dtype, shape):
    array = (np.arange(math.prod(shape)).reshape(shape) % 2).astype(dtype)
    same(through_memory({"x": from_array(array)}), {"x": from_array(array)})


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12)[::-2],
        np.broadcast_to(np.float32(3), (2, 2)),
        np.arange(3, dtype=">f8"),
    ],
)
def test_arrays_of_any_layout(array):
    loaded = through_memory({"x": array})["x"]
    np.testing.assert_array_equal(loaded.array, array)
    assert loaded.dtype == array.dtype.newbyteorder("=")


def test_loaded_tensors_can_be_written_to():
    loaded = through_memory({"x": t([1.0, 2.0])})["x"]
    loaded.array += 1
    assert loaded.tolist() == [2.0, 3.0]


def test_shared_arrays_become_two():
    array = np.ones(3)
    loaded = through_memory({"a": from_array(array), "b": from_array(array[:2])})
    loaded["a"].array[:] = 5
    assert loaded["b"].tolist() == [1.0, 1.0]


def test_paths_that_coincide():
    value = {
        "a": {"b": t(1)},
        "a/b": t(2),
        "": t(3),
        "__metadata__": t(4),
        0: t(5),
        "0": t(6),
        "\ud800": t(7),
    }
    same(through_memory(value), value)


def test_requires_grad_is_kept():
    value = {"w": from_array(np.ones(2), requires_grad=True), "x": t([1.0])}
    same(through_memory(value), value)


def test_kinds_that_change():
    loaded = through_memory({"a": np.ones(2), "b": np.float32(0.1), "c": np.int64(3), "d": OrderedDict(x=1)})
    assert type(loaded["a"]) is Tensor
    assert loaded["b"] == float(np.float32(0.1))
    assert type(loaded["c"]) is int
    assert type(loaded["d"]) is dict


def test_a_lone_tensor():
    same(through_memory(t([1.0])), t([1.0]))


def test_the_same_value_gives_the_same_bytes(tmp_path):
    save(checkpoint(), tmp_path / "a")
    save(checkpoint(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Model:
    def state_dict(self):
        return {}


def loop():
    inner: list[object] = []
    inner.append({"again": inner})
    return inner


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"optim": [{"fn": len}]}, r"\['optim'\]\[0\]\['fn'\] is of type builtin_function_or_method"),
        ({"model": Model()}, r"\['model'\] is of type Model. Save its state_dict\(\)"),
        ({"x": np.array(["a"])}, r"\['x'\] is an array of <U1"),
        ({"x": np.ones(2, complex)}, r"\['x'\] is an array of complex128"),
        ({"x": {(1, 2): 3}}, r"\['x'\] has the key \(1, 2\)"),
        ({"x": loop()}, r"\['x'\]\[0\]\['again'\] contains itself"),
        ({1, 2}, "the object is of type set"),
        ({"x": b"bytes"}, "is of type bytes"),
    ],
)
def test_what_cannot_be_stored_is_named(path, value, message):
    path.write_bytes(b"before")
    with pytest.raises(TypeError, match=message):
        save(value, path)
    assert path.read_bytes() == b"before"
    assert os.listdir(path.parent) == [path.name]


def test_one_list_in_two_places_is_no_loop():
    shared = [1, 2]
    same(through_memory({"a": shared, "b": shared}), {"a": [1, 2], "b": [1, 2]})


def test_too_much_text(monkeypatch):
    monkeypatch.setattr(serialize, "_MOST_TEXT", 1000)
    with pytest.raises(ValueError, match="Turn long lists of numbers into tensors"):
        save({"history": [0.5] * 1000}, io.BytesIO())
