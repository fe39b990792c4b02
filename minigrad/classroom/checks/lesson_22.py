"""Checks of lesson 22, reversible blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, beside, close, given, number, require

X1, X2 = np.array([1.0, -2.0]), np.array([0.5, 3.0])


def _f(x: Any) -> Any:
    return x * x


def _g(x: Any) -> Any:
    return 2 * x + 1


def _both(module: Any) -> Any:
    y1 = X1 + _f(X2)
    y2 = X2 + _g(y1)
    return tuple(given(module.inverse(y1, y2, _f, _g)))


def _inverse(task: Any) -> None:
    y1 = X1 + _f(X2)
    y2 = X2 + _g(y1)
    x1, x2 = given(beside(task, _both))
    require(not close(x1, y1 - _f(y2)), "f was applied to x2, and y2 is another value: which can you find first?")
    require(not close(x1, y1 + _f(X2)), "what was added is to be taken away")
    require(close(x2, X2), "x2: what was added to it, and is it at hand?")
    require(close(x1, X1), INVERSE)


def _backward(task: Any) -> None:
    g1, g2, a, b = np.array([1.0, 2.0]), np.array([-1.0, 0.5]), 3.0, 5.0
    gx1, gx2 = given(task.backward(g1, g2, a, b))
    right = g1 + b * g2
    require(not close(gx1, g1), "y1 is read by g too: what comes back through g reaches y1, and so x1")
    require(not close(gx2, g2 + a * g1), "f is in y1, and y1's whole gradient is more than g1")
    require(close(gx1, right) and close(gx2, g2 + a * right), BACKWARD)


def _memory(task: Any) -> None:
    found = number(task.at_40)
    require(found != 12, "it doesn't grow with the number of blocks: what does a chain keep?")
    require(found != 120, "that is the plain net's")
    require(found == 3, "A chain keeps what comes out of its end.")


def _seen(module: Any) -> Any:
    return tuple(given(module.block(X1, X2, _f, _g)))


def _block(task: Any) -> None:
    y1, y2 = given(beside(task, _seen))
    require(not close(y1, _f(X2)), "look for x1 in what is handed on")
    require(not close(y2, X2 + _g(X1)), "y2 reads y1: that it reads x1 was no fault to mend, but another block")
    require(close(y1, X1 + _f(X2)) and close(y2, X2 + _g(X1 + _f(X2))), BLOCK)


INVERSE = "Undo the last line first: there, everything but one value is known."
BACKWARD = "From the end: y2 sends g2 to x2 and, through g, to y1. Only then is y1's gradient complete."
BLOCK = "Each line of a coupled block adds something to one half."
CHECKS = [
    Check("1 the inverse", _inverse, INVERSE),
    Check("2 the backward", _backward, BACKWARD),
    Check("3 memory", _memory, "What does a chain of reversible blocks keep?"),
    Check("4 a block that loses a half", _block, BLOCK, bug_in="block"),
]
