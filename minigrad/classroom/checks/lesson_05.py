"""Checks of lesson 5, training."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, number, require


def _guessing(task: Any) -> None:
    ten = number(task.loss_of_guessing(10))
    require(not close(ten, 0.1), "that is the probability; the loss is its negative logarithm")
    require(not close(ten, np.log2(10)), "that is in bits; nats have the natural logarithm")
    require(not close(ten, -np.log(10)), "the sign: a loss of guessing is not below 0")
    require(close(ten, np.log(10)), "what probability has the true class?")
    require(close(task.loss_of_guessing(2), np.log(2)), "right for ten classes, but not for two")


def _momentum(task: Any) -> None:
    parameter, velocity = given(task.momentum_step(2.0, 0.5, -3.0, 0.1, 0.9))
    require(not close(velocity, 0.9 * 0.5 - 0.1 * 3.0), "PyTorch adds the whole gradient: no factor to it, no rate")
    require(close(velocity, 0.9 * 0.5 - 3.0), "the velocity: momentum times itself, plus the gradient")
    require(not close(parameter, 2.0 + 0.1 * velocity), "that goes uphill")
    require(not close(parameter, 2.0 - 0.1 * 0.5), "that steps by the old velocity")
    require(close(parameter, 2.0 - 0.1 * velocity), "the velocity is right; step by rate times it, downhill")


def _cross_entropy(task: Any) -> None:
    p, labels = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]]), np.array([1, 0, 0])
    right = (p - np.eye(2)[labels]) / 3
    before = p.copy()
    g = given(task.cross_entropy_backward(p, labels))
    require(close(p, before), "you wrote into p, which belongs to somebody else")
    require(not close(g, right * 1.5), "that divides by the number of classes; the mean is over something else")
    require(not close(g, -right), "the size is right, the sign was so before")
    require(close(g, right), MEAN)


MEAN = "If each image is put in twice, the mean loss stays. What should become of one image's gradient?"
CHECKS = [
    Check("1 the loss of guessing", _guessing, "The negative logarithm of the true class's probability."),
    Check("2 a step with momentum", _momentum, "First the new velocity, then the step along it."),
    Check("3 a bug in cross entropy", _cross_entropy, MEAN, bug_in="cross_entropy_backward"),
]
