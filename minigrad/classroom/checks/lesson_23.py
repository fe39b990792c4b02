"""Checks of lesson 23, the receipt."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect, nn
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _brought(task: Any) -> None:
    parts = [np.array([1.0, 2.0]), np.array([-3.0, 0.5]), np.array([0.25, 1.0])]
    whole = sum(parts)
    found = given(task.contributions(parts))
    require(len(found) == 3, "one number for each part")
    require(not close(found, [float((p * p).sum()) for p in parts]), "squares of norms don't add up to |g|^2")
    require(not close(found, [float(np.linalg.norm(p)) for p in parts]), "norms don't add: take inner products")
    require(close(found, [float(p @ whole) for p in parts]), BROUGHT)


def _longest(task: Any) -> None:
    found = number(task.longest)
    require(found != 6, "the weight's own branch is crossed too")
    require(found not in (3, 4), "a gradient comes from the loss: which blocks lie between?")
    require(found != 10, "it doesn't go on to the blocks before")
    require(found == 7, "Draw the blocks in a row, the loss at the end, and walk back to the weight.")


def _mean(task: Any) -> None:
    rng = np.random.default_rng(0)
    w, g = rng.standard_normal((3, 2, 2)), rng.standard_normal((3, 2, 2))
    x, gx = rng.standard_normal(4), rng.standard_normal(4)
    found = given(task.mean_length(list(w), list(g), x, gx))
    crossed = float((w * g).sum())
    require(not close(found, crossed), "that counts the branches; divide by what all paths bring")
    require(not close(found, crossed / 3 / float(x @ gx)), "a sum over blocks, and no mean: every block may be crossed")
    require(close(found, crossed / float(x @ gx)), MEAN)


def _seen(module: Any) -> Any:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.Residual(nn.Linear(2, 2)), nn.Residual(nn.Linear(2, 2)))
    bill = inspect.receipt(net(mg.ones(1, 2)).sum(), net)
    return given(module.short_gradient(bill, "0.weight")), [part.copy() for part in bill["0.weight"].parts]


def _short(task: Any) -> None:
    found, parts = beside(task, _seen)
    require(not close(found, parts[1]), "paths of *at most* one branch: which are shorter than one?")
    require(not close(found, sum(parts)), "that is the whole gradient")
    require(close(found, parts[0] + parts[1]), SHORT)


BROUGHT = "Let the sum of the parts be g. The inner products of the parts with g must sum to that of g with itself."
MEAN = "<W, dL/dW> of a block is what the paths through it bring. Sum, and divide by <x, dL/dx>."
SHORT = "parts[k] is what crossed exactly k branches."
CHECKS = [
    Check("1 what a length brings", _brought, BROUGHT),
    Check("2 the longest path", _longest, "From the loss to the weight: which branches may a path cross?"),
    Check("3 the mean by the weights", _mean, MEAN),
    Check("4 short paths", _short, SHORT, bug_in="short_gradient"),
]
