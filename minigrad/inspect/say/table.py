"""Tables: aligned plain text for a terminal, HTML for a notebook, CSV for everything else."""

from __future__ import annotations

import csv
import html
import io
import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from minigrad.files import write_whole

#: No line is wider than this, a terminal's usual width; and no terminal is taken for narrower than this.
WIDTH, NARROWEST = 80, 40
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
        width = line_width()
        if not self.rows and self.notes:  # headings above nothing say nothing
            return "\n".join(textwrap.wrap(self.title, width) + _wrapped(self.notes, width))
        shown, left_out = self, []
        while not shown._fits(width) and len(shown.columns) > 1:
            least = shown._least()
            left_out.append(shown.columns[least])
            rows = [row[:least] + row[least + 1 :] for row in shown.rows]
            shown = Table(shown.columns[:least] + shown.columns[least + 1 :], rows)
        notes = [*self.notes, f"No room for: {', '.join(reversed(left_out))}"] if left_out else self.notes
        return "\n".join(textwrap.wrap(self.title, width) + shown._lines(width) + _wrapped(notes, width))

    __repr__ = __str__

    def _least(self) -> int:
        """The column that can go first: the lines of code, or the last one but for the first and the remarks."""
        if LINE in self.columns:
            return self.columns.index(LINE)
        return max((i for i, name in enumerate(self.columns) if name and i), default=len(self.columns) - 1)

    def _layout(self, digits: int) -> tuple[list[bool], list[list[str]], list[int]]:
        """Which columns stand to the right, all cells as text, and how wide each column would be."""
        right = [_is_numeric(self.rows, i) for i in range(len(self.columns))]
        cells = [[cell_text(cell, digits) for cell in row] for row in self.rows]
        return right, cells, [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]

    def _fits(self, width: int) -> bool:
        """Whether there is room for all columns, with the fewest digits and texts as narrow as they may be."""
        digits, gap = FITS[-1]
        right, _, widths = self._layout(digits)
        least = sum(w if r else min(w, NARROW) for w, r in zip(widths, right, strict=True))
        return least + gap * (len(widths) - 1) <= width

    def _lines(self, width: int) -> list[str]:
        for digits, gap in FITS:
            right, cells, widths = self._layout(digits)
            room = width - gap * (len(widths) - 1)
            if (
                sum(w for name, w in zip(self.columns, widths, strict=True) if name != LINE)
                + NARROW * (LINE in self.columns)
                <= room
            ):
                break
        widths = self._narrowed(widths, right, room)
        cells = [[_shortened(cell, width) for cell, width in zip(row, widths, strict=True)] for row in cells]
        heads = [_shortened(name, width) for name, width in zip(self.columns, widths, strict=True)]
        lines = [_aligned(heads, widths, [False] * len(right), gap), (" " * gap).join("-" * width for width in widths)]
        return lines + [_aligned(row, widths, right, gap) for row in cells]

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


def line_width() -> int:
    """How wide a line may be: as the terminal, if there is one, from 40 to 80."""
    return max(NARROWEST, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def cell_text(cell: Any, digits: int = 4) -> str:
    """A cell as text: numbers to so many digits, a dash for None."""
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, float):
        return str(cell)
    return f"{cell:.{digits}g}"


def write_csv(path: str | os.PathLike[str], records: Sequence[dict[str, Any]]) -> None:
    """Write records of the same keys as a CSV file; numbers in full, and nothing for None."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, fieldnames=list(records[0]) if records else [])
    writer.writeheader()
    writer.writerows(records)
    write_whole(path, file.getvalue().encode())


def _wrapped(notes: Sequence[str], width: int) -> list[str]:
    """Notes as lines that are not too long; a note's own line breaks stay."""
    lines = [line for note in notes for line in note.splitlines()]
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


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
