"""Where do the inputs of a join come together again, when one goes back? There the value was forked.

The search walks back from a join, the latest node first, and remembers for each value from which inputs
of the join it was reached. The first value that was reached from two of them is where their ways part:
the nearest common dominator of the two inputs, as far as activations go (weights flow in at the side of
a way and dominate nothing). A join of many inputs, such as DenseNet's ``cat``, can have several such
places: the ways that met at one go on as a single way to the next.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.inspect.forks.graph import Value, describe, inputs_of
from minigrad.nn.parameter import Parameter
from minigrad.skip import Fork


@dataclass(frozen=True, eq=False)
class Meeting:
    """A place where two or more ways into a join part.

    Attributes
    ----------
    fork
        A `Fork` node, or the value that is read on more than one way.
    groups
        For each way, the inputs of the join that it leads to, as bits.
    reached
        For each node between, the inputs of the join that it leads to, as bits; the latest node first.
    aside
        An activation that flows into one of the ways around the fork; None where there is none.
    """

    fork: Fork | Value
    groups: tuple[int, ...]
    reached: dict[Node, int]
    aside: Value | None


@dataclass
class Search:
    """The walk back from one join.

    Attributes
    ----------
    meetings
        The forks that were found, the nearest first.
    failures
        Sentences about places where ways part, but not as two ways from one value.
    """

    join: Node
    groups: list[int]
    meetings: list[Meeting] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._masks: dict[Value, int] = {}
        self._heap: list[tuple[int, Node]] = []
        self._queued: dict[Node, None] = {}
        self._reached: dict[Node, int] = {}

    def run(self) -> Search:
        """Walk until all ways have met, or nothing is left to visit."""
        for edge, value in inputs_of(self.join):
            self._reach(value, 1 << edge.position)
        while self._heap and len(self.groups) > 1:
            self._visit(heapq.heappop(self._heap)[1])
        if len(self.groups) > 1:
            self._visit_leaves()
        return self

    def _reach(self, value: Value, mask: int) -> None:
        self._masks[value] = self._masks.get(value, 0) | mask
        if isinstance(value, tuple) and value[0] not in self._queued:
            self._queued[value[0]] = None
            heapq.heappush(self._heap, (-value[0].index, value[0]))

    def _touched(self, mask: int) -> list[int]:
        return [group for group in self.groups if group & mask]

    def _visit(self, node: Node) -> None:
        masks = [self._masks.get((node, slot), 0) for slot in range(len(node.out_shapes))]
        union = 0
        for slot, mask in enumerate(masks):
            union |= mask
            if mask not in self.groups and len(self._touched(mask)) > 1:
                self._meet((node, slot), mask)
        if union not in self.groups and len(self._touched(union)) > 1:
            if isinstance(node, Fork):
                self._meet(node, union)
            else:
                self.failures.append(f"its ways start from different outputs of {node.name}: a split, not a fork")
                self._merge(self._touched(union))
        self._reached[node] = union
        if len(self.groups) > 1:
            for _, value in inputs_of(node):
                self._reach(value, union)

    def _visit_leaves(self) -> None:
        """Leaves come last: the loss's own data, or weights, which two layers may share without a skip."""
        direct = dict.fromkeys(value for _, value in inputs_of(self.join))
        leaves = [value for value in self._masks if isinstance(value, TensorBase)]
        met = [leaf for leaf in leaves if len(self._touched(self._masks[leaf])) > 1]
        data = [leaf for leaf in met if not isinstance(leaf, Parameter)]
        for leaf in sorted(data, key=lambda leaf: leaf not in direct):
            if len(self._touched(self._masks[leaf])) > 1:
                self._meet(leaf, self._masks[leaf])
        if len(self.groups) > 1:
            self.failures.append(
                "its inputs share weights, but no activation: nothing was forked"
                if met and not data
                else "its inputs come from different values: nothing was forked"
            )

    def _meet(self, fork: Fork | Value, mask: int) -> None:
        touched = self._touched(mask)
        left = self._left(fork)
        other = self._other_meeting(fork, touched, dict(left))
        if other is None:
            aside = next((v for v, m in left.items() if isinstance(v, tuple) and any(m & g for g in touched)), None)
            self.meetings.append(Meeting(fork, tuple(touched), dict(self._reached), aside))
        else:
            self.failures.append(
                f"its ways meet at two values, {describe(fork)} and {describe(other)}: neither is the fork"
            )
        self._merge(touched)

    def _merge(self, touched: Sequence[int]) -> None:
        together = 0
        for group in touched:
            together |= group
        self.groups = [group for group in self.groups if group not in touched] + [together]

    def _left(self, fork: Fork | Value) -> dict[Value, int]:
        """What was reached around a fork and is still to be visited; parameters are left out."""
        here = _maker(fork)
        left: dict[Value, int] = {}
        for value, mask in self._masks.items():
            if isinstance(value, tuple):
                if value[0] is not here and value[0] not in self._reached:
                    left[value] = mask
            elif value is not fork and not isinstance(value, Parameter):
                left[value] = mask
        return left

    def _other_meeting(self, fork: Fork | Value, touched: list[int], masks: dict[Value, int]) -> Value | None:
        """Another activation that is reached on two of these ways around the fork, or None.

        Only looked for where two ways have something left to visit, which is rare.
        """
        if sum(1 for group in touched if any(mask & group for mask in masks.values())) < 2:
            return None
        here = _maker(fork)
        heap = [entry for entry in self._heap if entry[1] is not here]
        heapq.heapify(heap)
        queued = dict.fromkeys(node for _, node in heap)
        while heap:
            node = heapq.heappop(heap)[1]
            union = 0
            for slot in range(len(node.out_shapes)):
                mask = masks.get((node, slot), 0)
                union |= mask
                if sum(1 for group in touched if group & mask) > 1:
                    return node, slot
            for _, value in inputs_of(node):
                if isinstance(value, tuple) and value[0] is here:
                    continue
                masks[value] = masks.get(value, 0) | union
                if isinstance(value, tuple) and value[0] not in queued:
                    queued[value[0]] = None
                    heapq.heappush(heap, (-value[0].index, value[0]))
        for value, mask in masks.items():
            shared = sum(1 for group in touched if group & mask) > 1
            if isinstance(value, TensorBase) and shared and not isinstance(value, Parameter):
                return value
        return None


def _maker(fork: Fork | Value) -> Node | None:
    """The node at which ways part; None for a leaf."""
    if isinstance(fork, tuple):
        return fork[0]
    return fork if isinstance(fork, Node) else None
