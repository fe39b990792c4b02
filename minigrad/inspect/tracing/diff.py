"""Two traces side by side: of two steps, two seeds or two models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import measure
from minigrad.inspect.say.table import Table, Tabular
from minigrad.inspect.tracing.steps import TracedStep
from minigrad.inspect.tracing.trace import Trace


@dataclass(frozen=True)
class DiffRow:
    """One step that both traces have.

    Attributes
    ----------
    module, kind, occurrence
        Where it is: the module, the node's class, and its number among those of that class in the module.
    norm_a, norm_b
        The norms of what reached the node in each trace.
    ratio
        ``norm_b / norm_a``; None where that is no number.
    distance, cosine
        The norm of the difference of the two gradients and the cosine of the angle between them; None where a
        trace kept norms only, or the shapes differ.
    """

    module: str
    kind: str
    occurrence: int
    norm_a: float
    norm_b: float
    ratio: float | None
    distance: float | None
    cosine: float | None

    @property
    def name(self) -> str:
        """The step in short, as in ``block3.fc1 Linear``; the second of its kind there is ``Linear:2``."""
        number = f":{self.occurrence}" if self.occurrence > 1 else ""
        return f"{self.module} {self.kind}{number}".strip()


class TraceDiff(Tabular):
    """What two traces have in common, and what only one of them has.

    Attributes
    ----------
    rows
        The steps of both, the loss first.
    only_a, only_b
        The names of the steps that one trace lacks.
    """

    def __init__(self, rows: Sequence[DiffRow], only_a: Sequence[str], only_b: Sequence[str]) -> None:
        self.rows = list(rows)
        self.only_a = list(only_a)
        self.only_b = list(only_b)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> DiffRow:
        return self.rows[position]

    def __iter__(self) -> Iterator[DiffRow]:
        return iter(self.rows)

    @property
    def same(self) -> bool:
        """Whether both traces have the same steps with the same gradients, to the bit (or the same norms)."""
        equal = all(r.norm_a == r.norm_b and not r.distance for r in self.rows)
        return equal and not self.only_a and not self.only_b

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [asdict(row) for row in self.rows]

    def table(self) -> Table:
        """The table that is shown."""
        rows = [[r.name, r.norm_a, r.norm_b, r.ratio, r.distance, r.cosine] for r in self.rows]
        notes = [
            f"Only in the {which}: {len(names)} ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"
            for which, names in (("first", self.only_a), ("second", self.only_b))
            if names
        ]
        return Table(["step", "|g| first", "|g| second", "ratio", "|difference|", "cosine"], rows, notes=notes)


def diff(a: Trace, b: Trace) -> TraceDiff:
    """Set two traces side by side.

    Steps are matched by module, node class, and their number among those of that class in that module,
    counted in forward order; so the two may come from different runs, seeds or models.

    Parameters
    ----------
    a, b
        The traces.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> traces = [mg.inspect.trace((k * x).sum()) for k in (1.0, 3.0)]
    >>> print(diff(*traces))
    step  |g| first  |g| second  ratio  |difference|  cosine
    ----  ---------  ----------  -----  ------------  ------
    Sum           1           1      1             0       1
    Mul       1.414       1.414      1             0       1
    """
    keyed_a, keyed_b = _keyed(a), _keyed(b)
    rows = [_row(key, step, keyed_b[key]) for key, step in keyed_a.items() if key in keyed_b]
    only_a = [step.name for key, step in keyed_a.items() if key not in keyed_b]
    only_b = [step.name for key, step in keyed_b.items() if key not in keyed_a]
    return TraceDiff(rows, only_a, only_b)


def _keyed(trace: Trace) -> dict[tuple[str, str, int], TracedStep]:
    """The steps by module, kind and number; in the order of the pass."""
    if not hasattr(trace, "steps"):
        raise arguments.wrong_kind("diff", "each argument", "a trace, which inspect.trace(loss) gives", trace)
    counts: dict[tuple[str, str], int] = {}
    keys = {}
    for step in reversed(trace.steps):
        place = step.module, step.kind
        counts[place] = counts.get(place, 0) + 1
        keys[step.name] = (*place, counts[place])
    return {keys[step.name]: step for step in trace.steps}


def _row(key: tuple[str, str, int], a: TracedStep, b: TracedStep) -> DiffRow:
    ratio = b.norm / a.norm if a.norm else None
    distance = cosine = None
    if a.kept and b.kept:
        pairs = [
            (x, y) for x, y in zip(a.grad_outputs, b.grad_outputs, strict=False) if x is not None and y is not None
        ]
        if pairs and all(x.shape == y.shape for x, y in pairs):
            flat_a, flat_b = (np.concatenate([np.ravel(g[i]) for g in pairs]) for i in (0, 1))
            distance, cosine = measure.norm(flat_a - flat_b), measure.cosine(flat_a, flat_b)
    return DiffRow(*key, a.norm, b.norm, ratio, distance, cosine)
