"""Checks of lesson 8, plain or residual."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect
from minigrad.classroom.checks import Blank, Check, beside, close, given, number, require


def _growth(task: Any) -> None:
    one, half, four = (number(task.growth(a, n)) for a, n in ((1.0, 1), (0.5, 1), (1.0, 4)))
    require(not close(one, 2), "the skip brings |g|^2, and the branch? He's init doubles it in two layers, then a")
    require(not close(half, 2), "right at a = 1; but the branch's *square* counts: what becomes of a?")
    require(close(one, 3), "one block at a = 1 triples it; the lesson says why")
    require(close(half, 1.5), "right at a = 1, not at a = 0.5")
    require(not close(four, 12) and not close(four, 9), "blocks follow each other: are their factors added up?")
    require(close(four, 81), "right for one block, not for four")


def _scale(task: Any) -> None:
    many = 10_000
    a = number(task.scale_for(many))
    require(
        not close(a, number(task.scale_for(10))),
        "any fixed scale grows without end: (1 + 2 a^2) to the power L",
    )
    total = many * math.log1p(2 * a * a)
    require(total > 1e-2, "so small a scale is safe, but the growth tends to 1: the branches count for nothing")
    require(total < 10, "with ten thousand blocks that is still far too much")
    fewer = 100 * math.log1p(2 * number(task.scale_for(100)) ** 2)
    require(abs(fewer - total) < 0.1, "it must hold for 100 blocks as for 10,000")


def _skipinit_seen(module: Any) -> Any:
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    a = mg.tensor([0.5], requires_grad=True)
    y = given(module.skipinit(x, lambda b: 4 * b, a))
    kinds = [step.kind for step in inspect.trace(y.sum())]
    return y, kinds, x.grad, a.grad


def _skipinit(task: Any) -> None:
    y, kinds, gx, ga = beside(task, _skipinit_seen)
    x = np.array([1.0, -2.0])
    require(not close(y, 2.5 * x), "the skip is to stay as it is: a is for the branch alone")
    require(not close(y, 5 * x), "a is not in it yet")
    require(close(y, 3 * x), "x + a * branch(x) would be something else")
    joined = "Fork" in kinds and "ResidualAdd" in kinds
    require(joined, "the values are right; use skip.fork and skip.residual_add too")
    require(ga is not None, "the values are right, but a gets no gradient, so it can't be learnt")
    require(gx is not None and close(gx, np.full(2, 3.0)), "the values are right, the gradient of x isn't")


def _who(task: Any) -> None:
    answers = [task.x_gets_one, task.a_gets_one, task.weights_in_the_branch_get_one]
    if any(answer is ... for answer in answers):
        raise Blank
    require(all(isinstance(answer, bool) for answer in answers), "write True or False")
    require(answers[0], "x: the skip brings the gradient at y to it unchanged")
    require(answers[1], "a: dy/da is F(x), which is not 0. If it were, a could never leave 0")
    require(not answers[2], "the branch: everything that comes back to it is multiplied by a")


CHECKS = [
    Check("1 growth through the blocks", _growth, "Read 'Why scale 1 diverges': one block first, then many."),
    Check("2 a scale for any depth", _scale, "Set the exponent L against 2 a^2: what must L a^2 be, as L grows?"),
    Check("3 a SkipInit block", _skipinit, "Lesson 7's block: fork, branch, join; and a before the join."),
    Check("4 who gets a gradient at a = 0", _who, "y = x + a F(x): differentiate by x, by a, by a weight in F."),
]
