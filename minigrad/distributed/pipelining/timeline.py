"""Who computes what, and when: measured by a schedule as it runs, or computed from its order alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.objects import all_gather_object


class Action(NamedTuple):
    """What a stage does next: ``"forward"`` or ``"backward"`` of a micro-batch."""

    kind: str
    microbatch: int


class Event(NamedTuple):
    """One thing that one rank did, with its times in seconds.

    ``kind`` is ``"forward"`` or ``"backward"``; ``"wait"`` for what another rank sends; ``"send"``.
    """

    rank: int
    kind: str
    microbatch: int
    start: float
    end: float


class Timeline:
    """The events of one rank, as they happen.

    Parameters
    ----------
    rank
        This rank.
    """

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.events: list[Event] = []

    def add(self, kind: str, microbatch: int, start: float) -> None:
        """Note what began at ``start`` and has just ended; computing begins when the waits inside it are over."""
        end = time.perf_counter()
        if kind in ("forward", "backward"):
            for event in reversed(self.events):
                if event.start < start:
                    break
                if event.kind == "wait":
                    start = event.end
                    break
        self.events.append(Event(self.rank, kind, microbatch, start, end))


def gather_timeline(events: Sequence[Event], group: ProcessGroup | None = None) -> list[Event]:
    """All ranks' events, on all ranks, from time 0 on. The ranks must be on one machine, and share its clock."""
    among = group_or_world(group)
    every: list[list[Event]] = [[] for _ in among.ranks]
    all_gather_object(every, list(events), among)
    found = [event for of_rank in every for event in of_rank]
    first = min((event.start for event in found), default=0.0)
    return [event._replace(start=event.start - first, end=event.end - first) for event in found]


def bubble(events: Sequence[Event]) -> float:
    """The share of all ranks' time, from the first event to the last, in which they don't compute.

    For K stages with equal work and M micro-batches, GPipe's and 1F1B's is (K - 1) / (M + K - 1) (Huang et al., 2019).
    """
    work = [e for e in events if e.kind in ("forward", "backward")]
    span = max(e.end for e in work) - min(e.start for e in work)
    ranks = len(dict.fromkeys(e.rank for e in work))
    return 1 - sum(e.end - e.start for e in work) / (ranks * span)


def simulate(
    orders: Sequence[Sequence[Action]], forward: float = 1.0, backward: float = 2.0, transfer: float = 0.0
) -> list[Event]:
    """When each stage would do what, if nothing but the order and the work took time.

    Parameters
    ----------
    orders
        For each stage what it does, in its order.
    forward, backward
        For how long a stage computes on one micro-batch.
    transfer
        How long a message is on its way.

    Raises
    ------
    ValueError
        If the stages wait for each other for ever.
    """
    last = len(orders) - 1
    free = [0.0] * len(orders)
    ended: dict[tuple[int, Action], float] = {}
    waiting = [list(order) for order in orders]
    events = []
    while any(waiting):
        moved = False
        for stage, order in enumerate(waiting):
            if not order:
                continue
            action = order[0]
            neighbour = stage - 1 if action.kind == "forward" else stage + 1
            needs = (neighbour, action) if 0 <= neighbour <= last else (stage, Action("forward", action.microbatch))
            begins_alone = action.kind == "forward" and stage == 0
            if not begins_alone and needs not in ended:
                continue
            arrives = 0.0 if begins_alone else ended[needs] + (transfer if neighbour <= last else 0.0)
            start = max(free[stage], arrives)
            if start > free[stage]:
                events.append(Event(stage, "wait", action.microbatch, free[stage], start))
            end = start + (forward if action.kind == "forward" else backward)
            events.append(Event(stage, action.kind, action.microbatch, start, end))
            free[stage] = ended[stage, action] = end
            order.pop(0)
            moved = True
        if not moved:
            raise ValueError("the stages wait for each other for ever: this order can't be run")
    return events
