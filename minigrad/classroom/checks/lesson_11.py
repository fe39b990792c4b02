"""Checks of lesson 11, gates."""

from __future__ import annotations

import math
from typing import Any

from minigrad.classroom.checks import Check, close, given, number, require


def _skips(task: Any) -> None:
    t = 1 / (1 + math.exp(3.0))
    found = given(task.over_the_skips(-3.0, 10))
    require(not close(found, t**10, 1e-9), "t is what the branch gets; the skip gets the rest")
    require(not close(found, 1 - t**10, 1e-9), "each layer takes its part: what is left is multiplied, layer by layer")
    require(not close(found, 1 - t, 1e-9), "that is one layer's")
    require(close(found, (1 - t) ** 10, 1e-9), SKIPS)


def _power(task: Any) -> None:
    found = number(task.over_54)
    require(not close(found, 0.9, 1e-2), "that is one skip's")
    require(not close(found, 0.5**54, 1e-3), "that is for a factor of 0.5")
    require(found > 0, "nothing here is below zero or nothing at all: factors multiply")
    require(abs(found / 0.9**54 - 1) < 1e-2, "Fifty-four factors, one after another.")


def _bug(task: Any) -> None:
    p = 0.25
    kept, dropped = given(task.drop_add(1.0, 2.0, 1.0, p)), given(task.drop_add(1.0, 2.0, 0.0, p))
    require(close(dropped, 1.0), "where the branch is dropped, only the skip is left")
    require(not close(kept, 3.0), "that adds it as it is: in the mean the branch comes in (1 - p) of the cases only")
    require(not close(kept, 1 + 2 / p), "p is the probability of *dropping* here")
    mean = (1 - p) * float(kept) + p * float(dropped)
    require(close(mean, 3.0), BUG)


def _noise(task: Any) -> None:
    a, p, n = 0.4, 0.8, 3
    found = given(task.mean_square(a, p, n))
    require(not close(found, (1 + a) ** (2 * n)), "that is the square of the mean; the draws scatter around it")
    require(not close(found, (1 + 2 * a + a * a) ** n), "that is without dropping")
    require(not close(found, 1 + 2 * a + a * a / p), "that is one block's")
    require(close(found, (1 + 2 * a + a * a / p) ** n), NOISE)


SKIPS = "The join sends (1 - t) of its gradient over the skip. Then comes the next join."
BUG = "Take the mean over kept = 1 and kept = 0, each with its probability."
NOISE = "One block multiplies by 1 + m a. Write out its square, and take the mean of m and of m squared."
CHECKS = [
    Check("1 the way over the skips", _skips, SKIPS),
    Check("2 fifty-four skips", _power, "What does one skip leave? And two?"),
    Check("3 the join that loses", _bug, BUG, bug_in="drop_add"),
    Check("4 the noise of dropping", _noise, NOISE),
]
