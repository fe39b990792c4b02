"""What `path_lengths` gives: a gradient for every number of branches crossed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import Array
from minigrad.inspect import measure
from minigrad.inspect.table import Table, Tabular, write_csv


class PathLengths(Tabular):
    """The gradient of one tensor, split by the number of branches that it came through.

    Attributes
    ----------
    gradients
        ``gradients[k]`` came through exactly k branches.
    counts
        The number of routes of each length, as exact integers.
    norms
        The norm of each.
    contributions
        The inner product of each with the total: they sum to ``|total|^2``, and a length that works against
        the others is negative.
    total
        The sum of all: the gradient itself.
    blocks
        The names of the blocks whose branches count.
    groups
        The same gradient split by the branches of each named group.
    label
        Set where the gradient was changed by `cut` or `scale`.
    """

    def __init__(
        self,
        gradients: Sequence[Array],
        counts: Sequence[int],
        blocks: Sequence[str],
        label: str = "",
        groups: Mapping[str, PathLengths] | None = None,
    ) -> None:
        self.gradients = [measure.read_only(g) for g in gradients]
        self.counts = list(counts)
        self.blocks = list(blocks)
        self.label = label
        self.groups = dict(groups or {})
        total = self.gradients[0]
        for g in self.gradients[1:]:
            total = total + g
        self.total = measure.read_only(total)
        self.norms = np.array([measure.norm(g) for g in self.gradients])
        self.contributions = np.array([measure.inner(g, self.total) for g in self.gradients])

    def __len__(self) -> int:
        return len(self.gradients)

    @property
    def shares(self) -> Array:
        """The contributions as parts of ``|total|^2``: they sum to 1; NaN where the total is zero or not finite."""
        size = measure.norm(self.total)
        if not 0 < size < math.inf:
            return np.full(len(self), np.nan)
        cosines = [
            measure.cosine(g, self.total, float(n), size) for g, n in zip(self.gradients, self.norms, strict=True)
        ]
        return np.array([0.0 if c is None else c * n / size for c, n in zip(cosines, self.norms, strict=True)])

    @property
    def mean_length(self) -> float:
        """The number of branches crossed, in the mean over the shares of the gradient."""
        return float(np.dot(np.arange(len(self)), self.shares))

    def to_dict(self) -> list[dict[str, Any]]:
        """A record for each length."""
        return [
            {
                "length": k,
                "routes": self.counts[k],
                "norm": float(norm),
                "contribution": float(c),
                "share": float(share),
            }
            for k, (norm, c, share) in enumerate(zip(self.norms, self.contributions, self.shares, strict=True))
        ]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a CSV file."""
        write_csv(path, self.to_dict())

    def table(self) -> Table:
        """The table that is shown."""
        rows = []
        for r in self.to_dict():
            share = f"{100 * r['share']:.2f} %" if math.isfinite(r["share"]) else None
            rows.append([str(r["length"]), f"{r['routes']:,}", r["norm"], r["contribution"], share])
        notes = [f"{_many(sum(self.counts), 'route')} through {_many(len(self.blocks), 'block')}"]
        size = measure.norm(self.total)
        if not size:
            why = "the lengths cancel" if self.norms.any() else "nothing arrives"
            notes[0] += f"; the gradient is zero, so there are no shares of it: {why}"
        else:
            notes[0] += "; the shares sum to 1" if math.isfinite(size) else "; the gradient is not finite"
        notes += [
            f"{name}: mean length {split.mean_length:.2f} of {len(split) - 1}"
            for name, split in self.groups.items()
            if math.isfinite(split.mean_length)
        ]
        columns = ["branches", "routes", "|gradient|", "<gradient, total>", "share"]
        return Table(columns, rows, title=self.label, notes=notes)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
