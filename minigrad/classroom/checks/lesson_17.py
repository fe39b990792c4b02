"""Checks of lesson 17, recurrent nets."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _factor(task: Any) -> None:
    factor = number(task.factor)
    require(not close(factor, 18), "a gradient that goes through gates is multiplied by each; they aren't summed")
    require(not close(factor, 0.1**20), "that is what is forgotten; f is the part that is kept")
    require(not close(factor, 0.9), "that is one step")
    require(close(factor, 0.9**20), "each of the 20 steps multiplies by its gate")


def _new_state(task: Any) -> None:
    y = given(task.new_state(0.25, 4.0, 8.0))
    require(not close(y, 7.0), "in PyTorch's writing u is the part of the *old* state that is kept")
    require(not close(y, 6.0), "the candidate comes in only as far as the old state goes out")
    require(close(y, 5.0), "with u = 1 nothing changes; with u = 0 the candidate takes the place")


def _over(task: Any) -> None:
    gy, u = np.array([2.0, -4.0]), np.array([0.5, 0.25])
    gh = given(task.over_the_skip(gy, u))
    require(not close(gh, gy), "ResidualAdd copies its gradient; a gate weighs it")
    require(not close(gh, gy * (1 - u)), "that is what goes to the candidate")
    require(close(gh, gy * u), "the derivative of u * h by h, with u held fixed")


def _direct_seen(module: Any) -> Any:
    mg.manual_seed(0)
    cell = nn.GRUCell(1, 3).double()
    h = first = mg.zeros(1, 3, dtype=mg.float64, requires_grad=True)
    product = np.ones((1, 3))
    for _ in range(3):
        h = cell(mg.ones(1, 1, dtype=mg.float64), h)
        node = h.node
        assert node is not None
        product = product * node.u
    (whole,) = mg.grad(h.sum(), first, retain_graph=True)
    return given(module.direct_part(h.sum(), first)), whole, product


def _direct(task: Any) -> None:
    part, whole, product = beside(task, _direct_seen)
    require(not close(part, whole), "that is the whole gradient, by all routes")
    require(np.shape(part) == (1, 3), f"it has the shape of `first`, (1, 3), and not {np.shape(part)}")
    require(close(part, product), "which length has a route that crosses no branch at all?")


CHECKS = [
    Check("1 the direct way", _factor, "Each step multiplies the gradient by its forget gate."),
    Check("2 one step of a GRU", _new_state, "What if the gate is 1? What if it is 0?"),
    Check("3 its backward", _over, "Hold the gate fixed, and take the derivative by h."),
    Check("4 by the tools", _direct, "path_lengths gives .gradients, one for each number of branches crossed."),
]
