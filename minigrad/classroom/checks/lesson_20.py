"""Checks of lesson 20, across processes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, Wrong, close, given, number, require

SIZES = [6, 3, 1]
GRADIENTS = [np.array([1.0, 0.0]), np.array([0.0, 2.0]), np.array([5.0, -4.0])]


def _shards(task: Any) -> None:
    g = given(task.whole_gradient(list(SIZES), [g.copy() for g in GRADIENTS]))
    plain = np.mean(GRADIENTS, axis=0)
    total = sum(n * g for n, g in zip(SIZES, GRADIENTS, strict=True))
    require(not close(g, plain), "that is the plain mean: here the one sample of the last rank counts like six others")
    require(not close(g, sum(GRADIENTS)), "that is the sum; the whole batch's loss is a mean")
    require(not close(g, total), "each shard counts by its size now; but the loss is a mean over all samples")
    require(close(g, np.asarray(total) / 10), SHARDS)


def _f_and_g(task: Any) -> None:
    grads = [np.array([1.0, 2.0]), np.array([-3.0, 0.5]), np.array([0.25, 0.25])]
    total = sum(grads)
    f = _one_a_rank(task.backward_of_f([g.copy() for g in grads]))
    require(not close(f, grads), "f: each rank saw a part of what depends on x. Who knows what the others' parts say?")
    require(not close(f, [g / 3 for g in [total] * 3]), "f: that is the mean; the ways of a fork aren't averaged")
    require(close(f, [total] * 3), "f: in forward it copies to all ranks; what does a fork do in backward?")
    g = _one_a_rank(task.backward_of_g([g.copy() for g in grads]))
    require(not close(g, [total] * 3), "g: the loss is the same on all ranks, and counts once")
    require(not close(g, [g / 3 for g in grads]), "g: a sum hands its gradient on; nothing is divided")
    require(close(g, grads), "g: in forward it sums; what does a join by addition do in backward?")


def _one_a_rank(left: Any) -> Any:
    found = given(left)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        raise Wrong("give a list with one gradient for each rank")
    return found


def _ring(task: Any) -> None:
    orders = [given(task.order_of(rank)) for rank in range(6)]
    for order in orders:
        require(sorted(map(str, order)) == ["receive", "send"], 'give ["send", "receive"] or ["receive", "send"]')
    first = [order[0] for order in orders]
    require(len(dict.fromkeys(first)) > 1, f"if all {first[0]} first, who does the other half?")
    require(_ends(orders), "follow it by hand for 4 ranks: who can begin, and who goes on then?")


def _ends(orders: list[Any]) -> bool:
    """Whether all get through: a send and its receive happen together, when both are next."""
    left = [list(order) for order in orders]
    moved = True
    while moved:
        moved = False
        for rank, order in enumerate(left):
            after = left[(rank + 1) % len(left)]
            if order[:1] == ["send"] and after[:1] == ["receive"]:
                order.pop(0)
                after.pop(0)
                moved = True
    return not any(left)


def _bubble(task: Any) -> None:
    m = number(task.microbatches)
    require(m != 30, "nearly: count the turns again, there are M + K - 1 of them")
    require(m <= 27, "that is enough, but fewer will do")
    require(m == 27, "the bubble is still larger: 3 turns of how many?")


def _memory(task: Any) -> None:
    gpipe, other = number(task.kept_by_gpipe), number(task.kept_by_1f1b)
    require(gpipe == 8, "GPipe: how many forwards has stage 0 done before its first backward?")
    require(other != 8, "1F1B: look at the first row of the picture; when does its first backward come?")
    require(other != 1, "1F1B: one forward and one backward in turn, but only once the pipeline is full")
    require(other == 4, "1F1B: count +1 for each forward and -1 for each backward of stage 0, and take the highest")


SHARDS = "Write the mean over all samples as a sum over shards, each with its own mean in it."
CHECKS = [
    Check("1 unequal shards", _shards, SHARDS),
    Check("2 the backward of f and g", _f_and_g, "f copies and g sums. Which of them is the fork, and which the join?"),
    Check("3 round a ring", _ring, "Two neighbours must not both send first, nor both receive first."),
    Check("4 the bubble", _bubble, "(K - 1) / (M + K - 1), with K = 4."),
    Check("5 what is kept", _memory, "Draw both orders, or count forwards less backwards along one of them."),
]
