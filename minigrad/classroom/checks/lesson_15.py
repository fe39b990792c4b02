"""Checks of lesson 15, the Transformer."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import skip
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _routes(task: Any) -> None:
    routes = number(task.routes)
    require(routes != 16, "that is one skip a layer; how many are there in each?")
    require(routes not in (8, 4), "that is the number of skips; at each, a route can go two ways")
    require(routes == 256, "two ways at each skip, one after another: what do they multiply to?")


def _mask(task: Any) -> None:
    mask = np.asarray(given(task.may_see(4)))
    require(mask.shape == (4, 4), f"the mask of 4 places must be (4, 4), it is {mask.shape}")
    require(not close(mask, ~np.tri(4, k=-1, dtype=bool)), "that sees what comes later, and not what was before")
    require(not close(mask, np.tri(4, k=-1)), "the first place sees nothing at all: may a place see itself?")
    require(close(mask, np.tri(4)), "row by row: place 0 sees one key, place 1 two, and so on")


def _sublayer_seen(module: Any) -> Any:
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    y = given(module.sublayer(x, lambda t: 3 * t, lambda t: t * t))
    return y, type(y.node).__name__


def _sublayer(task: Any) -> None:
    y, join = beside(task, _sublayer_seen)
    require(not close(y, [9.0, 36.0]), "the branch alone: where is the skip?")
    require(not close(y, [6.0, 6.0]), "that is post-norm: the norm stands on the sum")
    require(not close(y, [12.0, 30.0]), "the norm stands on the skip as well; the stream is to stay clear")
    require(close(y, [10.0, 34.0]), "the skip, plus the branch of the norm")
    require(join == "ResidualAdd", "the value is right; join the ways by skip.residual_add")


def _strongest_seen(module: Any) -> Any:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x
    for factor in (0.5, 3.0, 2.0):
        s, b = skip.fork(y)
        y = skip.residual_add(s, factor * b)
    return given(module.strongest_branch(y.sum()))


def _strongest(task: Any) -> None:
    name = beside(task, _strongest_seen)
    require(isinstance(name, str), f"the answer is to be a name, and is {type(name).__name__}")
    require(name != "block0", "that is the first one, and its skip brings the most; look at g_branch")
    require(name != "block2", "that is the last one; its branch brings less than another")
    require(name == "block1", "compare the norms of g_branch of all rows")


CHECKS = [
    Check("1 routes", _routes, "How many skips are there in a layer? How many ways at each?"),
    Check("2 the causal mask", _mask, "Which keys may the query of row 0 see? Which that of the last row?"),
    Check("3 pre-norm", _sublayer, "Fork x; one way goes on as it is."),
    Check("4 the strongest branch", _strongest, "The ledger is a list of rows; each has g_branch."),
]
