"""Checks of lesson 12, batch norm beside the skip."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect, models
from minigrad.classroom.checks import Blank, Check, close, given, number, require


def _variance(task: Any) -> None:
    normed = [number(task.variance_after(blocks, True)) for blocks in (1, 5, 40)]
    plain = [number(task.variance_after(blocks, False)) for blocks in (1, 2, 5)]
    require(normed != [1, 5, 40], "with batch norm: each block adds 1, but to what? The input is there too")
    require(
        normed == [2, 6, 41], "with batch norm a branch gives variance 1, whatever comes in: what does each block add?"
    )
    require(
        plain != [2, 4, 32], "without: two layers of He's initialisation double the mean square; the skip is there too"
    )
    require(plain == [3, 9, 243], VARIANCE)


def _backward(task: Any) -> None:
    rng = np.random.default_rng(0)
    x, gy = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    std = x.std(0)
    y = (x - x.mean(0)) / std
    gx = np.asarray(given(task.batch_norm_backward(gy, y, std)))
    right = (gy - gy.mean(0) - y * (gy * y).mean(0)) / std
    require(gx.shape == (7, 3), f"the gradient has the input's shape, (7, 3); yours has {gx.shape}")
    require(not close(gx, gy / std), "that takes mean and standard deviation for constants; they move with the input")
    require(
        not close(gx, (gy - gy.mean(0)) / std), "the mean is in it; the standard deviation depends on the input too"
    )
    require(not close(gx, right * std), "nearly: and the division by the standard deviation?")
    require(close(gx, right), BACKWARD)


def _clear(task: Any) -> None:
    answer = given(task.clear)
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        raise Blank
    names = list(answer)
    require("original" not in names, "in the original a ReLU follows the addition")
    require("norm after add" not in names, "there a norm follows the addition: the name says so")
    require(
        "relu before add" in names,
        "'relu before add' has nothing after it; what it has done to the branch is another matter",
    )
    require(sorted(names) == ["pre-activation", "relu before add", "relu first"], CLEAR)


def _share(task: Any) -> None:
    first, last = number(task.first_share), number(task.last_share)
    mg.manual_seed(0)
    net = models.resnet(26, in_channels=1, width=4, order="relu first")
    rows = list(inspect.trace(net(mg.randn(16, 1, 8, 8)).square().mean()).ledger())
    ends = [rows[place].skip_share or 0.0 for place in (0, -1)]
    require(
        not (close(first, ends[1], 1e-3) and close(last, ends[0], 1e-3)),
        "the rows are in forward order: first is first",
    )
    require(not close(first, 100 * ends[0], 1e-3), "as numbers between 0 and 1, as the rows have them")
    require(close(first, ends[0], 1e-3) and close(last, ends[1], 1e-3), SHARE)


VARIANCE = "What comes over the skip, and what the branch adds; independent variances are summed."
BACKWARD = "Of gy take away its mean and its part along y, both over the batch; then divide."
CLEAR = "print(ORDERS): the third entry of each says what follows the addition."
SHARE = "ledger[0] is the first block's row; its attribute is skip_share."

CHECKS = [
    Check("1 how the sum grows", _variance, VARIANCE),
    Check("2 the backward of batch norm", _backward, BACKWARD),
    Check("3 which orders leave the way clear", _clear, CLEAR),
    Check("4 the skip's share", _share, SHARE),
]
