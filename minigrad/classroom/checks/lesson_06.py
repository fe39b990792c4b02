"""Checks of lesson 6, vanishing gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import inspect
from minigrad.classroom import puzzles
from minigrad.classroom.checks import Check, Wrong, close, given, number, require


def _tanh(task: Any) -> None:
    y, gy = np.array([0.0, 0.5, -0.9]), np.array([2.0, -1.0, 3.0])
    gx = given(task.tanh_backward(gy, y))
    require(not close(gx, gy * (1 - y)), "almost: at y = -0.9 your slope is above 1, but tanh is steepest at 0")
    require(
        not close(gx, gy * y * (1 - y)),
        "y (1 - y) is the slope of another function, whose slope at y = 0 is 0",
    )
    require(not close(gx, 1 - y**2), "that is the slope alone: what did the chain rule do with gy?")
    require(close(gx, gy * (1 - y**2)), "not the slope of tanh: compare with (tanh(x + h) - tanh(x - h)) / 2h")


def _sigmoids(task: Any) -> None:
    one, ten = number(task.most_through_sigmoids(1)), number(task.most_through_sigmoids(10))
    require(one != 0.5, "0.5 is the sigmoid's value at 0; what is its slope there?")
    require(not close(ten, 2.5), "factors of layers that follow each other are not added up")
    require(close(one, 0.25), "begin with one layer: where is the sigmoid steepest, and how steep is it there?")
    require(close(ten, 0.25**10, 1e-9), "right for one layer, but not for ten")


def _he(task: Any) -> None:
    w = given(task.he_weights(np.random.default_rng(0), 400, 300))
    require(w.shape == (300, 400), f"the shape was right, (fan_out, fan_in); now it is {w.shape}")
    size = float(w.std() * 20)  # in units of 1 / sqrt(fan_in)
    require(abs(size - 1) > 0.05, "right for a linear layer, whose mean square stays; but ReLU drops half of it")
    require(abs(size - 2**0.5 * (4 / 3) ** 0.5) > 0.05, "that counts the outputs; forward sums over the inputs")
    if abs(size - 2**0.5) > 0.05:
        raise Wrong(HE)


def _median(task: Any) -> None:
    answer = str(given(task.median_net)).strip().lower()
    require(answer in ("smaller", "equal", "larger"), 'answer "smaller", "equal" or "larger"')
    require(answer != "equal", "that holds for the mean; but a product of random factors is lopsided")
    require(
        answer == "smaller",
        "if the median were larger, the few very large values would lift the mean far above",
    )


def _explodes(task: Any) -> None:
    answer = number(task.explodes_in)
    require(answer % 2 == 0, "that is a ReLU: it makes nothing larger. Compare what one step gets with what it sends")
    before, after = _norms_around(int(answer))
    require(after is not None, "there is no such module in the Sequential")
    require(after > 30 * before, f"module {answer:g} gets a gradient of {before:.2g} and sends {after:.2g} on")


def _norms_around(module: int) -> tuple[float, Any]:
    """The gradient's norm at a module's output and at its input."""
    for step in inspect.trace(puzzles.exploding()):
        if step.module == str(module):
            return step.norm, float(np.linalg.norm(np.asarray(step.grad_inputs[0])))
    return 0.0, None


HE = "rng.normal takes a mean and a standard deviation; He et al. give the variance 2 / fan_in"
CHECKS = [
    Check("1 the slope of tanh, in backward", _tanh, "Differentiate tanh, and write it with y = tanh(x)."),
    Check("2 what a sigmoid lets through", _sigmoids, "Find the largest slope of a sigmoid; then multiply."),
    Check("3 a bug in He's initialisation", _he, HE, bug_in="he_weights"),
    Check("4 the typical net", _median, "Look at the second figure of the lesson: mean and median."),
    Check("5 where a gradient explodes", _explodes, "One step at a time: what comes, and what is sent on?"),
]
