"""The ledger: for every fork-join pair, what came back over the skip and what over the branch.

Norms don't add. What does is the square, with a third term that shows whether the two ways work together:
``|g_in|^2 = |g_skip|^2 + |g_branch|^2 + 2 <g_skip, g_branch>``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

from minigrad.engine.base import Array
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import Unpaired, no_skip
from minigrad.inspect.say.table import Table, Tabular, at, write_csv

#: So many joins that couldn't be paired are listed below a table; the others are counted.
LISTED = 5


@dataclass(frozen=True, eq=False, repr=False)
class LedgerRow:
    """One fork-join pair in one backward pass.

    Attributes
    ----------
    name
        The block.
    kind
        What the join does: ``add``, ``concat``, ``gate``, ``drop``, ``project`` or ``mix``.
    fork, join
        The `Fork` node (or the node or leaf whose value is forked) and the join.
    implicit
        Whether the pair was found in the graph, and not written with a fork and a join.
    norm_out, norm_skip, norm_branch, norm_in
        The norms of the four gradients below; None where none arrived.
    norm_other
        The norm of ``g_other``; None where there is none.
    inner, cosine
        The inner product of ``g_skip`` and ``g_branch``, and the cosine of the angle between them.
    skip_share
        The part of ``g_in`` that came over the skip: ``<g_skip, g_in> / |g_in|^2``. The branch's part is the
        rest. It is above 1 where the branch works against the skip.
    conserved
        Whether the complete gradient of the forked value is the sum of what came in, to the bit, in the order
        in which the engine adds; None where nothing came.
    g_out
        What reached the join.
    g_skip, g_branch
        What reached the fork along each way; a gate's part belongs to the branch.
    g_in
        What left the fork: ``g_skip + g_branch``, to the bit.
    g_other
        What reached the forked value past this pair, from readers that lead elsewhere; or None.
    """

    name: str
    kind: str
    fork: str
    join: str
    implicit: bool
    norm_out: float | None
    norm_skip: float | None = None
    norm_branch: float | None = None
    norm_in: float | None = None
    norm_other: float | None = None
    inner: float | None = None
    cosine: float | None = None
    skip_share: float | None = None
    conserved: bool | None = None
    g_out: Array | None = None
    g_skip: Array | None = None
    g_branch: Array | None = None
    g_in: Array | None = None
    g_other: Array | None = None

    @property
    def terms(self) -> dict[str, float | None]:
        """The terms of ``|g_in|^2``, and their ``sum``; ``cross`` is twice the inner product."""
        if self.norm_skip is None or self.norm_branch is None or self.inner is None:
            return {"skip": None, "branch": None, "cross": None, "sum": None}
        skip, branch, cross = self.norm_skip**2, self.norm_branch**2, 2 * self.inner
        return {"skip": skip, "branch": branch, "cross": cross, "sum": skip + branch + cross}

    def record(self) -> dict[str, Any]:
        """The numbers, without the arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("g_")}

    def sentence(self) -> str:
        """The row in plain words."""
        if self.norm_in is None:
            return f"No gradient reached {self.name}."
        if self.norm_in == 0 or self.skip_share is None:
            what = "not finite" if self.norm_in else "zero: skip and branch cancel" if self.norm_skip else "zero"
            return f"The gradient at the fork of {self.name} is {what}."
        share = f"{100 * self.skip_share:.0f} %"
        beyond = ", and takes away what is above 100 %" if self.skip_share > 1 else ""
        start = f"{share} of the gradient at the fork of {self.name} comes over the skip; "
        if not self.norm_branch:
            end = "nothing comes back through the branch"
        elif not self.norm_skip:
            end = "all of it comes through the branch"
        elif self.cosine is None:
            end = "the branch's part is not a number"
        elif self.cosine < -0.05:
            end = f"the branch works against it, cosine {self.cosine:.2f}{beyond}"
        elif self.cosine > 0.05:
            end = f"the branch works with it, cosine {self.cosine:.2f}"
        else:
            end = f"the branch is at right angles to it, cosine {self.cosine:.2f}"
        if self.conserved is False:
            why = "a hook changed the gradient after" if self.implicit else "the fork's rule gives another than"
            end = f"{end}; {why} the sum"
        return f"{start}{end}."

    def __repr__(self) -> str:
        return f"<LedgerRow {self.name!r}: {self.sentence()}>"


class Ledger(Tabular, Sequence[LedgerRow]):
    """One row for each fork-join pair, in forward order.

    Attributes
    ----------
    rows
        The rows.
    unpaired
        Joins and forks that are part of no pair, each with its reason.
    label
        Set where the gradient was changed by `cut` or `scale`.
    """

    def __init__(self, rows: Sequence[LedgerRow], unpaired: Sequence[Unpaired] = (), label: str = "") -> None:
        self.rows = list(rows)
        self.unpaired = list(unpaired)
        self.label = label

    @overload
    def __getitem__(self, key: int | str) -> LedgerRow: ...
    @overload
    def __getitem__(self, key: slice) -> Ledger: ...
    def __getitem__(self, key: int | str | slice) -> LedgerRow | Ledger:
        """A row by number or by the block's name; a slice of rows."""
        if isinstance(key, slice):
            return Ledger(self.rows[key], self.unpaired, self.label)
        return choose(self.rows, key)[0] if isinstance(key, str) else at("a ledger", self.rows, key)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LedgerRow]:
        return iter(self.rows)

    def select(self, blocks: Blocks) -> Ledger:
        """The rows of some blocks: by name, glob, number, or several of these."""
        return Ledger(choose(self.rows, blocks), self.unpaired, self.label)

    @property
    def conserved(self) -> bool:
        """Whether in every row what left the fork is the sum of what reached it, to the bit."""
        return all(row.conserved is not False for row in self.rows)

    def sentences(self) -> list[str]:
        """Each row in plain words."""
        return [row.sentence() for row in self.rows]

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as dictionaries of numbers and names, for a data frame or JSON."""
        return [row.record() for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows to a CSV file."""
        write_csv(path, self.to_dict())

    def table(self) -> Table:
        """The table that is shown."""
        columns = ["block", "join", "|g| join", "|skip|^2", "|branch|^2", "cross", "|g_in|^2", "cosine", "share"]
        if not self.rows:
            return Table(columns[:1], [], notes=[no_skip(self.unpaired)])
        notes = ["|g_in|^2 = |skip|^2 + |branch|^2 + cross, which is 2<skip,branch>"]
        broken = ", ".join(row.name for row in self.rows if row.conserved is False)
        if broken:
            notes.append(f"Not the sum of its parts, as a fork's rule is wrong or a hook changed it: {broken}")
        else:
            notes[0] += "; every g_in is the sum of its parts, to the bit"
        notes.append("|g| join: what reached the join. share: the part of g_in that came over the skip")
        shares = [row.skip_share for row in self.rows if row.skip_share is not None]
        if any(share > 1 for share in shares):
            notes.append("A share above 100 %: the branch works against the skip, and takes away what is too much")
        if any(share < 0 for share in shares):
            notes.append("A share below 0 %: the skip works against the branch, which brings more than is left")
        if any(row.implicit for row in self.rows):
            notes.append("*: found in the graph, and not written with a fork and a join")
        read = ", ".join(row.name for row in self.rows if row.norm_other)
        if read:
            notes.append(f"The forked value is read elsewhere too, which is not part of g_in: {read}")
        for u in self.unpaired[:LISTED]:
            notes.append(f"Not paired: {u.node}{f' in {u.module!r}' if u.module else ''}: {u.reason}")
        if len(self.unpaired) > LISTED:
            notes.append(f"... and {len(self.unpaired) - LISTED} more in .unpaired")
        return Table(columns, [_cells(row) for row in self.rows], title=self.label, notes=notes)


def _cells(row: LedgerRow) -> list[Any]:
    join = f"{row.kind} *" if row.implicit else row.kind
    if row.norm_in is None:
        return [row.name, join, row.norm_out, *["not reached"] * 4, None, None]
    terms = (row.terms[key] for key in ("skip", "branch", "cross"))
    cosine = None if row.cosine is None else f"{row.cosine:.3f}"
    share = None if row.skip_share is None else f"{100 * row.skip_share:.1f} %"
    return [row.name, join, row.norm_out, *terms, row.norm_in**2, cosine, share]
