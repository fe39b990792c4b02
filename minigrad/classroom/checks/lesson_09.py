"""Checks of lesson 9, paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import inspect
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _routes(task: Any) -> None:
    routes = number(task.routes)
    require(routes != 1024, "those are all routes; how many of them cross just 3 branches?")
    require(routes != 720, "the order doesn't matter: a route meets the blocks in one order only")
    require(routes not in (30, 1000), "three blocks are chosen of ten, none of them twice")
    require(routes == 120, "begin with fewer: of 3 blocks, 1 route crosses none and 3 cross one branch")


def _linear(task: Any) -> None:
    found = [number(task.gradient_of_length(4, k, 0.5)) for k in range(5)]
    right = [1.0, 2.0, 1.5, 0.5, 0.0625]
    require(not close(found, [0.5**k for k in range(5)]), "that is one route; how many are there of that length?")
    require(not close(found, [1.5**4] * 5), "that is the whole gradient, all lengths together")
    require(not close(found, [1, 4, 6, 4, 1]), "that is the number of routes; what does each of them bring?")
    require(close(found, right), "all lengths together must make (1 + a)^n")


def _block(task: Any) -> None:
    arrived = [np.array([1.0, 2.0]), np.array([-1.0, 0.5]), np.array([4.0, 0.0])]
    left = given(task.through_block(list(arrived), lambda g: 10 * g))
    require(not (len(left) == 3 and close(left, [11 * g for g in arrived])), _SHIFT)
    require(len(left) == 4, f"the list that leaves has {len(left)} entries: it can be 0 to 3 branches by now")
    right = [arrived[0], arrived[1] + 10 * arrived[0], arrived[2] + 10 * arrived[1], 10 * arrived[2]]
    require(not close(left[0], 11 * arrived[0]), _SHIFT)
    require(not close(left[0], 0 * arrived[0]), "nothing is left at length 0: what went over the skip?")
    require(
        close(left, right),
        "check left[1]: it came over the skip from arrived[1], through the branch from where?",
    )


def _part(task: Any) -> None:
    part = number(task.part_left)
    require(not close(part, 0.9), "one tenth of the blocks is gone, but how many routes crossed it?")
    require(not close(part, 512), "that is their number; we ask for the part")
    require(close(part, 0.5), "2^10 routes before; how many for the nine blocks that are left?")


def _own_seen(module: Any) -> Any:
    found = []
    for _ in range(2):
        ledger = inspect.trace(given(module.my_loss())).ledger()
        found.append([row.skip_share for row in ledger])
    return found


def _own(task: Any) -> None:
    first, second = beside(task, _own_seen)
    require(len(first) >= 2, f"the ledger finds {len(first)} blocks in it; two or more are wanted")
    require(first == second, "two calls give two nets: seed it, inside the function")
    share = number(task.my_skip_share)
    require(not close(share, first[0], 1e-3) or close(first[0], first[-1], 1e-3), "that is the first block's")
    require(not close(share / 100, first[-1], 1e-3), "as a number and not in per cent")
    require(close(share, first[-1], 1e-3), "the ledger of your loss says something else")


_SHIFT = "what came through this branch has crossed one more than before: it belongs to the next length"
CHECKS = [
    Check("1 routes of three branches", _routes, "At each block, skip or branch: choose which 3 of the 10."),
    Check("2 the linear case", _linear, "What does one route of k branches bring? How many are there?"),
    Check("3 one block of path_lengths", _block, "Over the skip the number stays; through the branch it grows."),
    Check("4 one branch deleted", _part, "Count the routes of ten blocks, and of nine."),
    Check("5 a net of your own", _own, "trace.ledger()[-1] is the last block's row; it knows its skip_share."),
]
