"""Checks of lesson 13, long skips that concatenate."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect, models
from minigrad.classroom.checks import Check, close, given, number, require


def _concat(task: Any) -> None:
    gy = np.arange(40.0).reshape(1, 5, 2, 4)
    answer = given(task.concat_backward(gy, 2))
    require(isinstance(answer, tuple) and len(answer) == 2, "give two gradients: the skip's and the branch's")
    s, b = (np.asarray(given(g)) for g in answer)
    require(not (close(s, gy) and close(b, gy)), "an *addition* copies; here each way is only a part of the result")
    require(
        not (s.shape == (1, 3, 2, 4) and b.shape == (1, 2, 2, 4)), "the skip stands first: whose channels are whose?"
    )
    require(s.shape[1:2] != (5,) or s.shape[2:] == (2, 4), "the channels are axis 1, not a later one")
    require(close(s, gy[:, :2]) and close(b, gy[:, 2:]), CONCAT)


def _routes(task: Any) -> None:
    found = [number(task.routes(layer)) for layer in (1, 2, 3, 6)]
    require(found[0] == 1, "to the first layer there is one route: straight from the input")
    require(found != [1, 2, 3, 6], "that counts what layer L reads; but each of those has routes of its own")
    require(found != [1, 4, 8, 64] and found != [2, 4, 8, 64], "nearly: the first layer has nothing before it to cross")
    require(found == [1, 2, 4, 32], ROUTES)


def _pad(task: Any) -> None:
    x = np.arange(1.0, 13.0).reshape(1, 1, 3, 4)
    y = np.asarray(given(task.pad_to(x.copy(), 4, 5)))
    require(y.shape == (1, 1, 4, 5), f"the result is to be (1, 1, 4, 5), and is {y.shape}")
    require(
        not close(y[..., 1:, 1:], x), "zeros at the top and the left move every pixel by one: below and right, please"
    )
    require(not y[..., 3, :].any() and not y[..., 4].any(), "what was added isn't zeros")
    require(close(y[..., :3, :4], x), PAD)
    same = np.asarray(given(task.pad_to(x.copy(), 3, 4)))
    require(close(same, x), "where nothing is missing, nothing is to change")


def _ledger(task: Any) -> None:
    found = number(task.largest_share)
    mg.manual_seed(0)
    net = models.UNet(1, 3, width=4, depth=2)
    rows = list(inspect.trace(net(mg.randn(2, 1, 16, 16)).square().mean()).ledger())
    shares = [row.skip_share for row in rows if row.skip_share is not None]
    norms = [row.norm_skip for row in rows if row.norm_skip is not None]
    require(not close(found, min(shares), 1e-3), "that is the smaller one")
    require(
        not close(found, max(norms), 1e-3), "that is a norm; the share is the part of the gradient that the skip brings"
    )
    require(close(found, max(shares), 1e-3), LEDGER)


CONCAT = "The result is the skip's channels, then the branch's. Which channels of gy came from which?"
ROUTES = "Draw three layers, and list the routes to the last: it hears from the input, and from each layer before it."
PAD = "Compare x's last two sizes with what is wanted: how many rows and columns are missing?"
LEDGER = "The ledger is a sequence of rows, and each row has attributes: print(vars(ledger[0]))."

CHECKS = [
    Check("1 the backward of a concat", _concat, CONCAT),
    Check("2 routes", _routes, ROUTES),
    Check("3 an odd size", _pad, PAD),
    Check("4 read a ledger", _ledger, LEDGER),
]
