"""Checks of lesson 1, the chain rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, require


def _sine(task: Any) -> None:
    x, gy = np.array([0.0, 0.7, -2.0]), np.array([2.0, -1.0, 3.0])
    gx = given(task.sin_backward(gy, x))
    require(not close(gx, np.cos(x)), "that is the slope alone: what came back in gy is to be multiplied in")
    require(not close(gx, -gy * np.cos(x)), "the sign: near 0 the sine rises with x")
    require(close(gx, gy * np.cos(x)), "not the slope of the sine: compare with (sin(x + h) - sin(x - h)) / 2h")


def _by_hand(task: Any) -> None:
    w, x, b = 1.5, 3.0, -1.0
    g_w, g_x, g_b = given(task.gradients(w, x, b))
    g = 2 * (w * x + b)
    require(not close(g_b, g / 2), "the slope of a square z**2 is not z")
    require(
        not (close(g_w, g * w) and close(g_x, g * x)), "a product hands each input the *other* one: yours got itself"
    )
    require(close(g_b, g), "begin with b: an addition hands its gradient on as it is")
    require(close(g_w, g * x) and close(g_x, g * w), "the gradient of b is right; what is the slope of w * x along w?")


def _quotient(task: Any) -> None:
    a, b, gy = np.array([1.0, -2.0]), np.array([0.5, 3.0]), np.array([2.0, 1.0])
    ga, gb = given(task.quotient_backward(gy, a, b))
    require(close(ga, gy / b), "the gradient of a was right")
    require(not close(gb, -gy / b**2), "right if a were 1: the numerator doesn't go away")
    require(close(gb, -gy * a / b**2), QUOTIENT)


QUOTIENT = "If a and b are positive and b grows, does a / b rise or fall? Compare with the sign of each gradient."
CHECKS = [
    Check("1 a rule for the sine", _sine, "The gradient of the input is gy times the slope at x."),
    Check("2 by hand", _by_hand, "Name z = w * x + b, find its gradient first, and go on from there."),
    Check("3 a bug in the quotient", _quotient, QUOTIENT, bug_in="quotient_backward"),
]
