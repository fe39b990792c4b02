"""Checks of lesson 10, what stands on the skip."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect, models
from minigrad.classroom.checks import Check, close, given, number, require


def _forward(task: Any) -> None:
    x = np.arange(1.0, 33.0).reshape(1, 2, 4, 4)
    y = np.asarray(given(task.pad_shortcut(x.copy(), 3)))
    require(y.shape == (1, 3, 2, 2), f"for (1, 2, 4, 4) and 3 channels the result is (1, 3, 2, 2); yours is {y.shape}")
    require(not close(y[:, :2], x[:, :, 1::2, 1::2]), "every second pixel, but from the *first* on")
    require(not close(y[:, :2], x[:, :, :2, :2]), "those are the first two in height and width, not every second")
    means = x.reshape(1, 2, 2, 2, 2, 2).mean((3, 5))
    require(not close(y[:, :2], means), "option A takes a pixel, no mean")
    require(not close(y[:, 1:], x[:, :, ::2, ::2]), "the new channels come after the old ones")
    require(not y[:, 2].any(), "the new channel is to be zeros")
    require(close(y[:, :2], x[:, :, ::2, ::2]), FORWARD)


def _backward(task: Any) -> None:
    gy = np.arange(1.0, 13.0).reshape(1, 3, 2, 2)
    gx = np.asarray(given(task.pad_shortcut_backward(gy.copy(), 2)))
    require(gx.shape == (1, 2, 4, 4), f"x had the shape (1, 2, 4, 4); your gradient has {gx.shape}")
    require(
        not close(gx, gy[:, :2].repeat(2, 2).repeat(2, 3)),
        "pixels that forward left out change nothing: what do they get?",
    )
    require(not close(gx[:, :, ::2, ::2], gy[:, 1:]), "x's channels came first, the zeros after them")
    right = np.zeros((1, 2, 4, 4))
    right[:, :, ::2, ::2] = gy[:, :2]
    require(close(gx, right), BACKWARD)


def _cost(task: Any) -> None:
    found = number(task.projection_cost(16, 32, 8, 8, 2))
    require(found != 16 * 32, "that is how many weights it has; each is used once for every pixel of the *result*")
    require(found != 16 * 32 * 64, "with stride 2 the result has fewer pixels than the image")
    require(found != 16 * 32 * 32, "the stride counts in height and in width")
    require(found != 9 * 16 * 32 * 16, "the window is 1x1, not 3x3")
    require(found == 16 * 32 * 16, COST)


def _cut(task: Any) -> None:
    found = np.asarray(getattr(given(task.x_over_the_skips), "array", task.x_over_the_skips), float)
    mg.manual_seed(0)
    net = models.resnet(8, in_channels=1, width=4, order="pre-activation").eval()
    values = mg.randn(2, 1, 8, 8)
    grads = []
    for path in (None, "branch", "skip"):
        x = values.detach().requires_grad_()
        loss = net(x).square().sum()
        if path is None:
            loss.backward()
        else:
            with inspect.cut(path):
                loss.backward()
        grads.append(np.asarray(getattr(x.grad, "array", np.nan)))
    require(
        found.shape == grads[0].shape, f"the gradient of x has x's shape, {grads[0].shape}; yours has {found.shape}"
    )
    require(not close(found, grads[0], 1e-4), "that is the whole gradient: was the cut in force while backward ran?")
    require(not close(found, grads[2], 1e-4), "you cut the skips; cut the branches")
    require(close(found, grads[1], 1e-4), CUT)


FORWARD = "x[:, :, ::2, ::2] are the pixels. Then make an array of the result's shape, all zeros, and put them into it."
BACKWARD = "Which places of x did forward read? They get gy's value; what does a change at any other place do to y?"
COST = "For each pixel of the result and each of its channels: one product for each channel that comes in."
CUT = "with inspect.cut(...): stands around the call of backward; then look at x.grad."

CHECKS = [
    Check("1 option A, forward", _forward, FORWARD),
    Check("2 option A, backward", _backward, BACKWARD),
    Check("3 the price of a projection", _cost, COST),
    Check("4 over the skips alone", _cut, CUT),
]
