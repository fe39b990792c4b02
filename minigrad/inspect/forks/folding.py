"""What repeats in an outline: the blocks of a stage, one after the other, alike but for a number in their names."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from minigrad.inspect.forks.graph import kind_of

#: The longest pattern that is looked for, in boxes.
LONGEST = 40

#: What marks a name that says how often its kind came before.
COUNTED = ":"

#: A pattern: the number of its first box, how many boxes it has, and how many times it comes.
Run = tuple[int, int, int]


def fold(labels: Sequence[str], kinds: Sequence[Hashable], arrows: Sequence[tuple[int, int, str]]) -> list[Run]:
    """Find runs of boxes that repeat.

    Parameters
    ----------
    labels, kinds
        Each box's name, in which one number counts up from one repetition to the next; and what must be equal.
    arrows
        From which box to which, on which way. A run is no run if folding it would hide where a long arrow comes from
        or leads to: then only what all repetitions share may lead in from far, or out.

    Examples
    --------
    >>> labels = ["stem", "s.0.a", "s.0.b", "s.1.a", "s.1.b", "s.2.a", "s.2.b", "head"]
    >>> fold(labels, ["", "a", "b", "a", "b", "a", "b", ""], [(i, i + 1, "") for i in range(7)])
    [(1, 2, 3)]
    """
    names = [_split(label) for label in labels]
    runs: list[Run] = []
    free = [True] * len(labels)
    # Short patterns first: blocks are folded, and not the stages that they make.
    for length in range(1, min(LONGEST, len(labels) // 2) + 1):
        start = 0
        while start + 2 * length <= len(labels):
            run = _run(start, length, names, kinds, arrows) if free[start] else None
            if run is None or not all(free[start : start + length * run[2]]):
                start += 1
                continue
            runs.append(run)
            free[start : start + length * run[2]] = [False] * (length * run[2])
            start += length * run[2]
    return sorted(runs)


def repeats(whole: Any) -> list[Run]:
    """The runs of boxes that repeat in an `Outline`."""
    kinds = [(box.kind, box.joint, box.shortcut, tuple(kind_of(n) for n in box.nodes)) for box in whole.boxes]
    return fold([box.label for box in whole.boxes], kinds, [(a.start, a.end, a.way) for a in whole.arrows])


def _split(label: str) -> tuple[str | int, ...]:
    """A label's parts, numbers as such.

    What counts up is a module's number (``layer1.0``, ``denselayer2 branch``, ``block3.relu``), or how often a kind of
    node came before (``Cat:2``); and not what layers within a module are called, such as ``conv1`` and ``conv2``.
    """
    path, space, part = label.partition(" ")
    kind, colon, count = label.rpartition(":")
    if colon and not space and "." not in kind:  # it is in no module
        return COUNTED, kind, int(count)
    names = path.split(".")
    parts = [text for name in names[:-1] for text in (*re.split(r"(\d+)", name), ".")]
    last = names[-1]
    parts += re.split(r"(\d+)", last) if space or last.isdigit() else [last]
    return tuple(int(text) if text.isdigit() else text for text in (*parts, part))


def _run(
    start: int,
    length: int,
    names: Sequence[tuple[str | int, ...]],
    kinds: Sequence[Hashable],
    arrows: Sequence[tuple[int, int, str]],
) -> Run | None:
    """The longest run of a pattern of this length; None where it comes but once, or can't be folded."""
    shift = _shift(names, kinds, start, start + length, length)
    if shift is None:
        return None
    times = 2
    while _shift(names, kinds, start + (times - 1) * length, start + times * length, length) == shift:
        times += 1
    while times > 1 and not _can_fold(start, length, times, arrows):
        times -= 1
    return (start, length, times) if times > 1 else None


def _shift(
    names: Sequence[tuple[str | int, ...]], kinds: Sequence[Hashable], a: int, b: int, length: int
) -> tuple[int, int] | None:
    """Which part of the names counts up between two stretches of boxes, and by how much; None if they aren't alike.

    A stretch is one block: all its modules have the same number there.
    """
    if b + length > len(names) or kinds[a : a + length] != kinds[b : b + length]:
        return None
    places: dict[int, None] = {}
    numbers: dict[tuple[str | int, str | int], None] = {}
    steps: dict[int, None] = {}
    for before, after in zip(names[a : a + length], names[b : b + length], strict=True):
        if len(before) != len(after):
            return None
        for place, (x, y) in enumerate(zip(before, after, strict=True)):
            if x != y:
                if not (isinstance(x, int) and isinstance(y, int) and y > x):
                    return None
                steps[y - x] = None
                if before[0] != COUNTED:
                    places[place] = numbers[x, y] = None
    alike = len(places) == len(numbers) == len(steps) == 1
    return (next(iter(places)), next(iter(steps))) if alike else None


def _can_fold(start: int, length: int, times: int, arrows: Sequence[tuple[int, int, str]]) -> bool:
    """Whether no arrow's origin or goal is hidden, and all repetitions are wired alike."""
    stop = start + length * times
    last = stop - length
    inner: dict[int, list[tuple[int, int, str]]] = {i: [] for i in range(times)}
    into: dict[int, list[int]] = {}
    out_of: dict[int, list[int]] = {}
    for a, b, way in arrows:
        from_inside, to_inside = start <= a < stop, start <= b < stop
        if from_inside and to_inside:
            if (a - start) // length == (b - start) // length:
                inner[(a - start) // length].append(((a - start) % length, (b - start) % length, way))
        elif to_inside:
            into.setdefault(a, []).append(b)
        elif from_inside:
            out_of.setdefault(b, []).append(a)
    if any(sorted(wires) != sorted(inner[0]) for wires in inner.values()):
        return False
    for goals in into.values():
        if max(goals) >= start + length and not _reaches_all(goals, start, length, times):
            return False
    for origins in out_of.values():
        if min(origins) < last and not _reaches_all(origins, start, length, times):
            return False
    return True


def _reaches_all(boxes: Sequence[int], start: int, length: int, times: int) -> bool:
    """Whether there is a box of every repetition among these."""
    return len(dict.fromkeys((box - start) // length for box in boxes)) == times
