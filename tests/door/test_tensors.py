"""Tensors at the door: operators, places, older constructors, generators and passes with strange arguments."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import minigrad as mg

from . import hostile
from .valid import ramp


def on(x, apply):
    """A case: what is done with a new copy of a tensor; its other arguments are attacked."""

    def copied():
        return x.detach().clone().requires_grad_(x.requires_grad)

    return apply(copied)


def setter(name):
    return lambda copied: lambda value: setattr(copied(), name, value)


def before(function):
    return lambda copied: lambda other: function(copied(), other)


def after(function):
    return lambda copied: lambda other: function(other, copied())


def place(copied):
    return lambda key: copied()[key]


def two_places(copied):
    return lambda first, second: copied()[first, second]


def part(copied):
    return lambda start, stop, step: copied()[start:stop:step]


def write(copied):
    return lambda key, value: operator.setitem(copied(), key, value)


def write_part(copied):
    return lambda start, stop, step: operator.setitem(copied(), slice(start, stop, step), 0)


def backward(copied):
    def run(gradient=None, retain_graph=None, create_graph=False, inputs=None):
        (copied() * 2).backward(gradient, retain_graph, create_graph, inputs)

    return run


def generator(device="cpu", seed=0, state=None):
    made = mg.Generator(device).manual_seed(seed)
    return made if state is None else made.set_state(state)


def drawn(generator):
    return mg.rand(2, generator=generator), mg.randperm(3, generator=generator)


X = ramp(2, 3)
OPERATORS = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.matmul,
    operator.lt,
    operator.ge,
    operator.eq,
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
    operator.imod,
)
NAMED = {f.__name__: f for f in OPERATORS}
CASES = {
    **{f"x {name} other": (on(ramp(2, 2), before(f)), {"other": 2.0}) for name, f in NAMED.items()},
    **{f"other {name} x": (on(ramp(2, 2), after(f)), {"other": 2.0}) for name, f in NAMED.items() if name[0] != "i"},
    **{f"ints {name} other": (on(mg.tensor([1, 2]), before(f)), {"other": 2}) for name, f in NAMED.items()},
    "x[key]": (on(X, place), {"key": 0}),
    "x[a:b:c]": (on(X, part), {"start": 0, "stop": 1, "step": 1}),
    "x[a, b]": (on(X, two_places), {"first": 0, "second": 1}),
    "x[key] = value": (on(X, write), {"key": 0, "value": 1.0}),
    "x[a:b:c] = 0": (on(X, write_part), {"start": 0, "stop": 1, "step": 1}),
    "x.grad =": (on(X, setter("grad")), {"value": X}),
    "x.data =": (on(X, setter("data")), {"value": X}),
    "backward": (on(ramp(2).requires_grad_(), backward), {"gradient": ramp(2)}),
    "backward of a scalar": (on(ramp().requires_grad_(), backward), {}),
    "Generator": (generator, {"state": mg.get_rng_state()}),
    "generator=": (drawn, {"generator": None}),
    "device": (mg.device, {"type": "cpu", "index": 0}),
}


@pytest.mark.parametrize("name", CASES)
def test_no_raw_error(name):
    found = hostile.complaints(*CASES[name])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", ["FloatTensor", "LongTensor", "HalfTensor", "BoolTensor", "Tensor"])
def test_no_raw_error_of_older_constructors(name):
    def constructor(first, second):
        return getattr(mg, name)(first, second)

    def alone(values):
        return getattr(mg, name)(values)

    found = hostile.complaints(constructor, {"first": 2, "second": 3}) + hostile.complaints(
        alone, {"values": [2.0, 3.0]}
    )
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: mg.zeros(2, -3), mg.OperationError, r"zeros: size must be integers of at least 0, and is \(2, -3\)"),
        (lambda: mg.zeros(2.5), TypeError, "zeros: size must be integers"),
        (lambda: mg.ones(10**15), MemoryError, "ones: the result, of shape .*bytes"),
        (lambda: mg.zeros(2, dtype="text"), TypeError, "zeros: dtype must be a dtype, such as float32"),
        (lambda: mg.zeros(2, requires_grad="yes"), TypeError, "zeros: requires_grad must be True or False"),
        (lambda: mg.full((2,), float("nan"), dtype=mg.int64), mg.OperationError, "nan doesn't fit into int64"),
        (lambda: mg.tensor([300], dtype=mg.uint8), mg.OperationError, "doesn't fit into uint8"),
        (lambda: mg.tensor([[1, 2], [3]]), ValueError, "the rows have different lengths"),
        (lambda: mg.arange(0, 5, 0), mg.OperationError, "no step of 0 leads from start=0 to end=5"),
        (lambda: mg.randint(3, 3, (2,)), mg.OperationError, "randint: high must be an integer from 4"),
        (lambda: mg.rand(2, generator=np.random.default_rng(0)), TypeError, "generator must be a minigrad.Generator"),
        (lambda: mg.normal(0.0, -1.0, (2,)), mg.OperationError, "normal: std must be a number of at least 0"),
        (lambda: mg.bernoulli(mg.tensor([2.0])), mg.OperationError, "probabilities: floats from 0 to 1"),
        (lambda: ramp(2) + None, TypeError, "unsupported operand: None is no tensor, array or number"),
        (lambda: ramp(2) @ "a", TypeError, "unsupported operand|must be a tensor"),
        (lambda: ramp(2) ** [], TypeError, r"unsupported operand: .* is no tensor"),
        (lambda: ramp(2)["a":None], TypeError, "the bounds of a slice must be integers or None, and is 'a'"),
        (lambda: ramp(2)[[[1, 2], [3]]], IndexError, "rows of one length"),
        (lambda: ramp(2).fill_(1j), TypeError, "complex numbers can't be written into float32"),
        (lambda: ramp(2).type_as(None), TypeError, "type_as: other must be a tensor, and is None"),
        (lambda: ramp(2).uniform_(0, float("inf")), mg.OperationError, "uniform_: to must be a number from"),
        (lambda: ramp(2).register_hook(None), mg.OperationError, "requires_grad=False"),
    ],
)
def test_the_words(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_dtype_of_another_tensors_data():
    assert ramp(2).type_as(ramp(2).double().data).dtype == ramp(2).to(np.ones(2)).dtype == mg.float64


def test_ufuncs_with_a_tensor():
    assert np.add(np.ones(2, np.float32), ramp(2)).shape == (2,)
    with pytest.raises(mg.OperationError, match="np.add: out= takes an array"):
        np.add(np.ones(2), np.ones(2), out=ramp(2).double())
