"""Every operation: forward against NumPy, first and second derivatives against finite differences."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import minigrad
import minigrad as mg
from minigrad.engine import Node

from .table import CASES

seen: dict[type, None] = {}


@pytest.fixture(scope="module", autouse=True)
def _every_application_is_noted():
    apply = Node.apply_to

    def noted(self, *inputs):
        seen[type(self)] = None
        return apply(self, *inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Node, "apply_to", noted)
        yield


def every_node_class() -> list[type]:
    """All classes of nodes that the package defines and applies; one with subclasses only serves them."""
    for module in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, stack = [], [Node]
    while stack:
        for cls in stack.pop().__subclasses__():
            stack.append(cls)
            # (Nodes that communicate are tested by ranks, in tests/distributed.)
            apart = cls.__module__.startswith(("minigrad.distributed", "minigrad.nn.parallel"))
            if cls.__module__.startswith("minigrad.") and not cls.__subclasses__() and not apart:
                found.append(cls)
    return found


def outputs_of(y) -> list[mg.Tensor]:
    parts = y if isinstance(y, (tuple, list)) else (y,)
    return [p for p in parts if isinstance(p, mg.Tensor)]


def differentiable(case):
    def run(*tensors):
        return tuple(p for p in outputs_of(case.run(*tensors)) if p.dtype.kind == "f")

    return run


def leaves(case, dtype=np.float64):
    rng = np.random.default_rng(sum(map(ord, case.name)))
    return [mg.tensor(a.astype(dtype), requires_grad=True) for a in case.arrays(rng)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_forward(case):
    inputs = leaves(case)
    ys = outputs_of(case.run(*inputs))
    if case.reference is None:
        return
    expected = case.reference(*(t.array for t in inputs))
    expected = expected if isinstance(expected, (tuple, list)) else (expected,)
    assert len(ys) == len(expected)
    for y, e in zip(ys, expected, strict=True):
        assert y.shape == np.shape(e)
        np.testing.assert_allclose(y.array, e, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_gradient(case):
    assert mg.gradcheck(differentiable(case), tuple(leaves(case)), atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_second_gradient(case):
    inputs = leaves(case)
    assert mg.gradgradcheck(differentiable(case), tuple(inputs), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_float32_stays_float32(case):
    inputs = leaves(case, np.float32)
    for y in outputs_of(case.run(*inputs)):
        assert y.dtype != np.float64
        if y.requires_grad:
            y.backward(np.ones(y.shape, np.float32), retain_graph=True)
    for x in inputs:
        assert x.grad is None or x.grad.dtype == np.float32


def test_every_node_class_is_in_the_table():
    """A class that no row reaches, in forward or in one of the derivatives, fails."""
    for case in CASES:
        test_forward(case)
        test_second_gradient(case)
    missing = [f"{c.__module__}.{c.__qualname__}" for c in every_node_class() if c not in seen]
    assert not missing, f"no row of tests/ops/table.py reaches {missing}"
