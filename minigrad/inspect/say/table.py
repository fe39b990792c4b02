"""Tables: aligned plain text for a terminal, HTML for a notebook, CSV for everything else."""

from __future__ import annotations

import csv
import html
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from minigrad import arguments

T = TypeVar("T")

#: No line is wider than this, if it can be helped: a terminal's usual width.
WIDTH = 80
#: What is tried to make a table fit: so many digits, and so many spaces between columns.
FITS = ((4, 2), (3, 2), (3, 1))
#: The narrowest that a column of text is made.
NARROW = 8
#: The column of the user's lines of code, of which there is as much as has room.
LINE = "line"


class Table:
    """Rows under headings, with a title above and notes below.

    Parameters
    ----------
    columns
        The headings.
    rows
        One cell a column: text, a number, or None for what isn't there. A column may have no heading.
    title, notes
        Sentences above and below.

    Examples
    --------
    >>> print(Table(["layer", "norm"], [["fc1", 0.25], ["fc2", 1e-9]]))
    layer  norm
    -----  -----
    fc1     0.25
    fc2    1e-09
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        title: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        # A column without a heading is for remarks; where there are none, it goes.
        used = [i for i, name in enumerate(columns) if name or any(row[i] != "" for row in rows)]
        self.columns = [columns[i] for i in used]
        self.rows = [[row[i] for i in used] for row in rows]
        self.title = title
        self.notes = list(notes)

    def __str__(self) -> str:
        if not self.rows and self.notes:  # headings above nothing say nothing
            return "\n".join(textwrap.wrap(self.title, WIDTH) + _wrapped(self.notes))
        right = [_is_numeric(self.rows, i) for i in range(len(self.columns))]
        for digits, gap in FITS:
            cells = [[cell_text(cell, digits) for cell in row] for row in self.rows]
            widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
            room = WIDTH - gap * (len(widths) - 1)
            if (
                sum(w for name, w in zip(self.columns, widths, strict=True) if name != LINE)
                + NARROW * (LINE in self.columns)
                <= room
            ):
                break
        widths = self._narrowed(widths, right, room)
        cells = [[_shortened(cell, width) for cell, width in zip(row, widths, strict=True)] for row in cells]
        lines = textwrap.wrap(self.title, WIDTH)
        lines.append(_aligned(self.columns, widths, [False] * len(right), gap))
        lines.append((" " * gap).join("-" * width for width in widths))
        lines += [_aligned(row, widths, right, gap) for row in cells]
        return "\n".join(lines + _wrapped(self.notes))

    __repr__ = __str__

    def _narrowed(self, widths: list[int], right: list[bool], room: int) -> list[int]:
        """The columns' widths, the line of code and then the widest text made smaller until all have room."""
        texts = [i for i, numeric in enumerate(right) if not numeric]
        while sum(widths) > room:
            widest = max(texts, key=lambda i: (self.columns[i] == LINE and widths[i] > NARROW, widths[i]), default=None)
            if widest is None or widths[widest] <= NARROW:
                break
            widths[widest] -= 1
        return widths

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        if not self.rows and notes:
            return (f"<p>{html.escape(self.title)}</p>" if self.title else "") + notes
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        right = [_is_numeric(self.rows, i) for i in range(len(self.columns))]
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{"right" if r else "left"}">{html.escape(cell_text(cell))}</td>'
                for cell, r in zip(row, right, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        title = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


class Tabular:
    """What has a table: it prints as one, in a terminal and in a notebook."""

    def table(self) -> Table:
        """The table that is shown."""
        raise NotImplementedError(f"{type(self).__name__} has no table()")

    def __str__(self) -> str:
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def cell_text(cell: Any, digits: int = 4) -> str:
    """A cell as text: numbers to so many digits, a dash for None."""
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, float):
        return str(cell)
    return f"{cell:.{digits}g}"


def at(what: str, items: Sequence[T], key: Any) -> T:
    """The item of a number.

    Raises
    ------
    TypeError, IndexError
        If it is no number, or there are fewer.
    """
    number = arguments.integer(what, "a number in []", key)
    if not -len(items) <= number < len(items):
        raise IndexError(f"{what} has no number {number}: there are {len(items)}, counted from 0")
    return items[number]


def write_csv(path: str | os.PathLike[str], records: Sequence[dict[str, Any]]) -> None:
    """Write records of the same keys as a CSV file; numbers in full, and nothing for None."""
    arguments.instance("to_csv", "path", path, (str, os.PathLike), "a path")
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(records[0]) if records else [])
        writer.writeheader()
        writer.writerows(records)


def _wrapped(notes: Sequence[str]) -> list[str]:
    """Notes as lines that are not too long; a note's own line breaks stay."""
    lines = [line for note in notes for line in note.splitlines()]
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]


def _is_numeric(rows: list[list[Any]], column: int) -> bool:
    """Whether a column holds numbers, which stand to the right."""
    return any(isinstance(row[column], (int, float)) and not isinstance(row[column], bool) for row in rows)


def _shortened(cell: str, width: int) -> str:
    """A text that is too wide: of a name the middle goes, which tells least, of a sentence or line of code the end."""
    if len(cell) <= width:
        return cell
    tail = 0 if " " in cell else (width - 2) // 2
    return cell[: width - 2 - tail] + ".." + cell[len(cell) - tail :]


def _aligned(cells: Sequence[str], widths: list[int], right: list[bool], gap: int) -> str:
    placed = [
        cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(cells, widths, right, strict=True)
    ]
    return (" " * gap).join(placed).rstrip()
