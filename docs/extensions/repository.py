"""Texts that stand elsewhere in the repository, brought into pages of the site; links between texts, turned to pages.

A line ``% from README.md`` in a page becomes that file without its title, and ``% from README.md: Words`` the text of
that section. The files stay what they are when read in the repository, where links go from file to file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BRING = re.compile(r"^% from ([^\s:]+)(?:: (.+))?$", re.M)
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
#: The pages of texts that are not below ``docs``.
PAGES = {
    "README.md": "docs/index.md",
    "lessons/README.md": "docs/lessons.md",
    "benchmarks/README.md": "docs/benchmarks.md",
    "CONTRIBUTING.md": "docs/contributing.md",
    "CHANGELOG.md": "docs/changelog.md",
}


def page_of(path: str) -> str:
    """Where the site shows a file of the repository; a file that is no text stays where it is."""
    if re.fullmatch(r"lessons/\d\d_\w+\.py", path):
        return f"docs/{path[:-3]}.rst"
    return PAGES.get(path, path)


def turned(text: str, stood: str, page: str) -> str:
    """The links of a text that stood in one file, as they must be in the page of another."""

    def turn(link: re.Match[str]) -> str:
        path = os.path.normpath(os.path.join(os.path.dirname(stood), link[1]))
        return Path(os.path.relpath(page_of(path), os.path.dirname(page))).as_posix()

    return LINK.sub(turn, text)


def section(text: str, title: str | None) -> str:
    """The text below a title, up to the next title; without one, all that is below the first title.

    Raises
    ------
    ValueError
        If there is no such title.
    """
    if title is None:
        return text.partition("\n")[2]
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    if found is None:
        raise ValueError(f"there is no section {title!r}")
    return found[1]


def read(app: Any, docname: str, source: list[str]) -> None:
    """Bring in what a page asks for, and turn its links."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".md":
        return
    page = path.relative_to(ROOT).as_posix()

    def bring(line: re.Match[str]) -> str:
        text = (ROOT / line[1]).read_text(encoding="utf-8")
        return turned(section(text, line[2]), line[1], page)

    source[0] = BRING.sub(bring, turned(source[0], page, page))


def setup(app: Any) -> dict[str, Any]:
    """Listen to what is read."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
