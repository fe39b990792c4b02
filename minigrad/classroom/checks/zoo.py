"""Checks of the bug zoo: for each animal, what a mended one gives, and where to look for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.classroom.checks import close, given, require

_STILL = "not yet: compare what it says with what its first lines call right"


def _lost_way(task: Any) -> None:
    for x in (3.0, -1.0, 0.5):
        require(close(given(task.gradient(x)), 15 + 2 * x), _STILL)


def _wrong_order(task: Any) -> None:
    for blocks in range(1, 7):
        require(close(given(task.gradient(blocks)), 3.0**blocks), f"not yet right on {blocks} blocks")


def _double_hook(task: Any) -> None:
    for first, second in ((4.0, 6.0), (1.0, -3.0)):
        require(close(given(task.gradient(first, second)), (first + second) / 2), "how often does the hook act?")


def _aliased(task: Any) -> None:
    for number in (2.0, -1.0, 0.5):
        require(close(given(task.gradient(number)), np.full(2, 1 + number)), _STILL)


def _stale_mask(task: Any) -> None:
    for numbers in ([2.0, -3.0], [-1.0, -1.0, 4.0]):
        require(close(given(task.gradient(numbers)), np.sign(numbers)), _STILL)


def _unbroadcast(task: Any) -> None:
    rng = np.random.default_rng(0)
    x, target, b = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=3)
    found = given(task.step(x, b, target, 0.1))
    require(np.shape(found) == (3,), "the bias has another shape than before")
    mean = close(found, b - 0.1 * (x + b - target).mean(0))
    require(not mean, "the shape is right; but every row uses the bias in full")
    require(close(found, b - 0.1 * (x + b - target).sum(0)), "the shape is right, the numbers are not")


def _second_pass(task: Any) -> None:
    require(not close(task.gradients(2), [6.0, 6.0]), "the leaf is to hold the sum over all passes")
    require(close(given(task.gradients(4)), [6.0, 12.0, 18.0, 24.0]), _STILL)


def _changed_weight(task: Any) -> None:
    for weight, step in ((2.0, 5.0), (-1.0, 0.5), (3.0, 0.0)):
        require(close(given(task.gradient(weight, step)), weight), _STILL)


def _wrong_axis(task: Any) -> None:
    rng = np.random.default_rng(0)
    for rows in (1, 3, 5):
        x, gy = rng.normal(size=(2, rows, 4))
        y = np.exp(x) / np.exp(x).sum(1, keepdims=True)
        require(close(given(task.gradient(x, gy)), y * (gy - (gy * y).sum(1, keepdims=True))), _STILL)


def _square(task: Any) -> None:
    rng = np.random.default_rng(0)
    for n, i, o in ((2, 2, 2), (5, 3, 4)):
        x, w, gy = (rng.normal(size=shape) for shape in ((n, i), (i, o), (n, o)))
        gx, gw = given(task.gradients(x, w, gy))
        require(close(gx, gy @ w.T), "the gradient of x was right")
        require(close(gw, x.T @ gy), "the gradient of w isn't right: for which entry of w is gw[0, 1] to be?")


def _equal_values(task: Any) -> None:
    for x, y in ((2.0, 5.0), (6.0, 5.0), (1.0, 0.0), (1.0, 1.0)):
        require(close(given(task.gradient(x, y)), x + 1), f"not right at x = {x:g}, y = {y:g}")


def _ties(task: Any) -> None:
    for numbers in ([1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, 5.0]):
        g = np.asarray(given(task.gradient(numbers)), dtype=float)
        require(g.shape == (len(numbers),), "there is one gradient for each number")
        require(close(g.sum(), 1.0), "what leaves the maximum is not what came to it")
        require(close(g[np.array(numbers) < max(numbers)], 0 * g[np.array(numbers) < max(numbers)]), "too small ones")


#: The check of each animal, and where to look if its code raises an error.
CHECKS: dict[str, tuple[Callable[[Any], None], str]] = {
    "01_lost_way": (_lost_way, "How many ways lead from x to the end, and how many come back?"),
    "02_wrong_order": (_wrong_order, "When may a value pass its gradient on?"),
    "03_double_hook": (_double_hook, "Note each call of the hook, and with what."),
    "04_aliased_gradient": (_aliased, "Who else holds the array that the rule is given?"),
    "05_stale_mask": (_stale_mask, "How many masks does the layer know, and how many were needed?"),
    "06_missing_unbroadcast": (_unbroadcast, "How often was the bias used in forward?"),
    "07_second_pass": (_second_pass, "What is in the table when the second pass begins?"),
    "08_changed_weight": (_changed_weight, "Which numbers was y computed from?"),
    "09_wrong_axis": (_wrong_axis, "Over what do the shares sum to 1?"),
    "10_square": (_square, "Try it with 5 images of 3 features."),
    "11_equal_values": (_equal_values, "What does Python ask when it looks for a value in a list?"),
    "12_ties": (_ties, "How many numbers can be the largest?"),
}
