"""Checks of lesson 3, the fork."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, number, require


def _fork(task: Any) -> None:
    grads = [np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([-3.0, 0.5])]
    gx = given(task.fork_backward([g.copy() for g in grads]))
    require(not close(gx, grads[-1]), "the last way overwrites the others: that is the bug of the lesson")
    require(not close(gx, sum(grads) / 3), "that is the mean; if you use x three times, does each use count a third?")
    require(not close(gx, grads[0] + grads[1]), "right for two ways; this fork had three")
    require(close(gx, sum(grads)), "to first order, what does a nudge of x do by each way, and what by all?")
    given_arrays = [g.copy() for g in grads]
    task.fork_backward(given_arrays)
    clean = all(close(a, g) for a, g in zip(given_arrays, grads, strict=True))
    require(clean, "the sum is right, but you wrote into an array that you were given: += does so")


def _stack(task: Any) -> None:
    slope = number(task.slope_of_stack([0.5, -0.2, 3.0]))
    require(not close(slope, -0.3), "that is the slope of a plain stack: where did the skips go?")
    require(not close(slope, 4.3), "1 + the sum leaves out the routes through two branches or more")
    require(close(slope, 1.5 * 0.8 * 4.0), "begin with one block: what is the slope of x + F(x)?")
    require(close(task.slope_of_stack([]), 1.0), "a stack of no blocks hands x on as it is: its slope is 1")


def _arrived(task: Any) -> None:
    before, gradient = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    require(close(task.arrived(None, gradient), gradient), "where nothing was before, the gradient is all there is")
    total = given(task.arrived(before, gradient))
    require(not close(total, gradient), ARRIVED)
    require(close(total, [11.0, 22.0]), "two gradients of one value: what is done with them at a fork?")
    require(close(before, [1.0, 2.0]), "the sum is right, but the first array was changed: another leaf may share it")


ARRIVED = "Call it twice with different gradients: what has become of the first one?"
CHECKS = [
    Check("1 the backward of a fork", _fork, "A nudge of x moves every way at once."),
    Check("2 a stack of blocks", _stack, "One block first; then the chain rule for several."),
    Check("3 a bug in a gradient table", _arrived, ARRIVED, bug_in="arrived"),
]
