"""Checks of lesson 4, the dense layer and its kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, number, require


def _dense(task: Any) -> None:
    rng = np.random.default_rng(0)
    gy, x, w = rng.standard_normal((5, 3)), rng.standard_normal((5, 4)), rng.standard_normal((3, 4))
    gx, gw, gb = given(task.dense_backward(gy, x, w))
    require(close(gx, gy @ w), "gx must have the shape of x, (N, I): sum over the outputs")
    require(not close(gw, x.T @ gy), "gw must have the shape of w, (O, I): yours is its transpose")
    require(close(gw, gy.T @ x), "gx is right; gw sums over the batch, and must have the shape of w")
    require(not close(gb, gy.mean(0)), "every example uses b in full: its gradients are summed, not averaged")
    require(not close(gb, gy), "gb must have the shape of b, (O,): one b serves every example of the batch")
    require(close(gb, gy.sum(0)), "gx and gw are right; b was used once for each example")


def _step(task: Any) -> None:
    ratios = [number(task.best_step(r)) / np.cbrt(3 * r) for r in (6e-8, 1.1e-16)]
    roots = [number(task.best_step(r)) / r**0.5 for r in (6e-8, 1.1e-16)]
    require(not close(*roots), "the square root suits a difference to one side only; here the error is h^2")
    require(not close(*[number(task.best_step(r)) for r in (6e-8, 1.1e-16)]), "one step can't suit both precisions")
    near = all(0.2 < ratio < 5 for ratio in ratios)
    require(near, "add up the two errors, rounding / h and h^2 / 6, and find where their sum is least")


def _bias_relu(task: Any) -> None:
    gy, out = np.array([[1.0, 2.0], [4.0, 8.0]]), np.array([[3.0, 0.0], [0.0, 0.5]])
    g, gb = given(task.bias_relu_backward(gy, out))
    right = np.where(out > 0, gy, 0)
    require(close(g, right), "the gradient of y was right")
    require(not close(gb, right), "b has the shape (O,), and so has its gradient")
    require(not close(gb, right.mean(0)), "each example uses b in full: sum, don't average")
    require(close(gb, right.sum(0)), BIAS)


BIAS = "Where the ReLU gave 0, a nudge of b changes nothing. Does the gradient of b know that?"
CHECKS = [
    Check("1 the backward of a dense layer", _dense, "Each gradient has the shape of its input."),
    Check("2 how far to nudge", _step, "Two errors pull two ways: one falls as h grows, the other rises as h^2."),
    Check("3 a bug in bias and ReLU", _bias_relu, BIAS, bug_in="bias_relu_backward"),
]
