"""For each kind of fork and join, its law: what it must send back, computed anew from what it was applied to.

Nothing here reads what a node's own rule kept, or a rule that was wrong would judge itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.base import Array, array_of
from minigrad.engine.node import Node
from minigrad.ops.arithmetic import Add
from minigrad.ops.common import unbroadcast
from minigrad.ops.join import Cat
from minigrad.skip import (
    DeltaShortcut,
    DepthMix,
    Fork,
    HighwayGate,
    OrthogonalAdd,
    ResidualAdd,
    ReversibleChain,
    SkipConcat,
    StochasticAdd,
    StreamMix,
)


class Side(NamedTuple):
    """One input's gradient.

    Attributes
    ----------
    expected, sent
        What the node must send, and what it sent.
    size
        Beside which they may differ by rounding: for a sum, the sizes of its terms, which may cancel; None for the
        largest element that is expected.
    """

    expected: Any
    sent: Any
    size: float | None = None


Sides = Sequence[Side]


class Law(NamedTuple):
    """What a kind of node does to a gradient.

    Attributes
    ----------
    word
        The law in a word: ``copies``, ``sums``, ``slices`` ...
    sides
        From a node, the gradients that came and those that it sent: what must be equal.
    slack
        By how many roundings the two sides may differ, as a part of the size; 0 is to the bit.
    """

    word: str
    sides: Callable[[Node, Sequence[Array], Sequence[Any]], Sides]
    slack: float = 0.0


def _sums(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    total = came[0]
    for g in came[1:]:
        total = total + g
    return [Side(total, sent[0])]


def _copies(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    return [Side(came[0], g) for g in sent]


def _slices(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    axis = node.axis if isinstance(node, (Cat, SkipConcat)) else 0
    stops = np.cumsum([x.shape[axis] for x in node.inputs])[:-1]
    return [Side(part, g) for part, g in zip(np.split(came[0], stops, axis), sent, strict=True)]


def _weighs(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    skip, branch, t = (array_of(x) for x in node.inputs)
    gt = came[0] * (branch - skip)
    size = float(unbroadcast(np.abs(gt), t.shape).max(initial=0.0))
    of_gate = Side(unbroadcast(gt, t.shape), sent[2], size)
    return [Side(came[0] - came[0] * t, sent[0]), Side(came[0] * t, sent[1]), of_gate]


def _mixes(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    H, X = (array_of(x) for x in node.inputs)
    letters = "abcdefgh"[: H.ndim - 2]
    shares = np.einsum(f"mn{letters},m{letters}...->n{letters}...", H, came[0])
    pairs = np.einsum(f"m{letters}...,n{letters}...->mn{letters}...", came[0], X)
    rest = tuple(range(H.ndim, pairs.ndim))
    size = float(np.abs(pairs).sum(rest).max(initial=0.0))
    beside = float(np.abs(H).max(initial=0.0) * np.abs(came[0]).max(initial=0.0))
    return [Side(pairs.sum(rest), sent[0], size), Side(shares, sent[1], beside)]


def _splits(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    w, gy = array_of(node.inputs[0]), came[0]
    wide = w.reshape(*w.shape, *(1,) * (gy.ndim + 1 - w.ndim))
    parts = [Side(wide[i] * gy, g) for i, g in enumerate(sent[1:])]
    products = np.stack([gy * array_of(v) for v in node.inputs[1:]])
    rest = tuple(range(w.ndim, products.ndim))
    return [*parts, Side(products.sum(rest), sent[0], float(np.abs(products).sum(rest).max(initial=0.0)))]


def _copies_and_weighs(node: Any, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    return [Side(came[0], sent[0]), Side(node.m * came[0], sent[1])]


def _projects(node: Any, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    x, f = (array_of(value) for value in node.inputs)
    gy = came[0]
    size = (x * x).sum(-1, keepdims=True) + node.eps
    along, c = (x * gy).sum(-1, keepdims=True) / size, (x * f).sum(-1, keepdims=True) / size
    return [Side(gy - along * x, sent[1]), Side((1 - c) * gy - along * (f - 2 * c * x), sent[0])]


def _erases(node: Node, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    _, k, beta = (array_of(x) for x in node.inputs)
    gy = came[0]
    size = float(np.abs(gy).max(initial=0.0))
    return [Side(gy - beta * k * (k * gy).sum(-1, keepdims=True), sent[0], size)]


def _rebuilds(node: Any, came: Sequence[Array], sent: Sequence[Any]) -> Sides:
    return [Side(array_of(x), found) for x, found in zip(node.inputs[:2], node.rebuilt, strict=True)]


#: The laws. (Those of collectives stand in across.py, as they talk to the other ranks.)
LAWS: dict[type[Node], Law] = {
    Fork: Law("sums", _sums),
    ResidualAdd: Law("copies", _copies),
    Add: Law("copies", _copies),
    SkipConcat: Law("slices", _slices),
    Cat: Law("slices", _slices),
    HighwayGate: Law("weighs", _weighs, 100),
    StreamMix: Law(StreamMix.law, _mixes, 1000),
    DepthMix: Law(DepthMix.law, _splits, 1000),
    StochasticAdd: Law(StochasticAdd.law, _copies_and_weighs),
    OrthogonalAdd: Law(OrthogonalAdd.law, _projects, 1000),
    DeltaShortcut: Law(DeltaShortcut.law, _erases, 1000),
    ReversibleChain: Law(ReversibleChain.law, _rebuilds, 1e5),
}


def law_of(node: Node) -> Law | None:
    """The law of a node: of its class or of one that it derives from; one that a class names in ``law``; or None.

    A class of your own with ``law = "copies"`` or ``"sums"`` is held to that.
    """
    for cls in type(node).__mro__:
        if cls in LAWS:
            return LAWS[cls]
    word = getattr(node, "law", "")
    simple = {"copies": _copies, "sums": _sums}
    return Law(word, simple[word]) if word in simple else None


def distance(sides: Sides) -> float:
    """By how much what was sent differs from what the law asks, as a part of its size; what is None is skipped."""
    worst = 0.0
    for expected, sent, beside in sides:
        if sent is None:
            continue
        found = np.asarray(array_of(sent))
        if np.shape(expected) != found.shape:
            return math.inf
        if np.array_equal(expected, found, equal_nan=True):
            continue
        size = float(np.abs(expected).max(initial=0.0)) if beside is None else beside
        gap = float(np.abs(np.asarray(expected) - found).max(initial=0.0))
        worst = max(worst, gap / size if size else math.inf) if math.isfinite(gap) else math.inf
    return worst
