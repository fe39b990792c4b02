"""The lessons as sphinx-gallery pages: their Markdown cells, their figures, their notebooks.

sphinx-gallery expects text cells in reST, figures in pyplot, and makes notebooks from its own cells. The lessons have
Markdown, show figures by `minigrad.classroom.script.show`, and have a maker of notebooks already. It has no setting
for the first and the last of these, so two of its functions are wrapped here.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery import gen_rst, py_source_parser
from sphinx_gallery.py_source_parser import Block

from minigrad.classroom import catalogue
from minigrad.classroom.notebook import write_notebooks

HEADING = re.compile(r"^#+ (.*)\n?", re.M)

#: What the lesson that runs has shown since its last cell: figures and their captions.
shown: list[tuple[Any, str]] = []
#: The modules of minigrad that the builder itself uses, while a lesson runs with others.
builders: dict[str, ModuleType] = {}


class Markdown(SphinxDirective):
    """``.. markdown::`` in a page of reST: what is below it is Markdown."""

    has_content = True

    def run(self) -> list[Any]:
        document = new_document(self.env.docname, self.state.document.settings)
        MystParser().parse("\n".join(self.content), document)
        return document.children


def escaped(text: str) -> str:
    """Plain text, as reST."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def as_rest(text: str) -> str:
    """Markdown with headings, as reST: the headings themselves, and between them Markdown."""
    parts = HEADING.split(text)
    made = []
    for n, part in enumerate(parts):
        if n % 2:
            title = escaped(part.replace("`", ""))
            made.append(f"{title}\n{'-' * len(title)}")
        elif part.strip():
            made.append(f".. markdown::\n\n{indent(part.strip(), '   ')}")
    return "\n\n".join(made) + "\n\n"


def head_as_rest(text: str) -> str:
    """A lesson's docstring as reST: what is before the colon is the page's title."""
    first, _, rest = text.partition("\n")
    title, _, subject = first.partition(": ")
    lines = rest.strip().replace("\n", " ")
    return f"{title}\n{'=' * len(title)}\n\n{escaped(subject[:1].upper() + subject[1:])}\n\n{escaped(lines)}\n\n"


def cells(path: Any, return_node: bool = False, *, split: Any = py_source_parser.split_code_and_text_blocks) -> Any:
    """A lesson's cells, its texts as reST."""
    settings, blocks, node = split(path, True)
    head, *others = blocks
    blocks = [
        Block("text", head_as_rest(head.content), head.lineno),
        *(Block(b.type, as_rest(b.content), b.lineno) if b.type == "text" else b for b in others),
    ]
    return (settings, blocks, node) if return_node else (settings, blocks)


def own_notebook(notebook: Any, path: Path) -> None:
    """Write the lesson's notebook as ``minigrad lesson N --notebook`` does, and not from reST."""
    lesson = catalogue.find(path.name.partition(".")[0])
    path.with_name(f"{lesson.path.stem}.ipynb").unlink(missing_ok=True)  # what an earlier build left
    (written,) = write_notebooks([lesson], path.parent)
    written.replace(path)


def silent() -> None:
    """Let minigrad not say that it compiles kernels, which is no part of a lesson."""
    compiler: Any = importlib.import_module("minigrad.kernels.compile")
    compiler._notice.on_start = lambda event: None


def alone(gallery: Any, name: Any, when: str) -> None:
    """Before a lesson runs it gets a minigrad of its own, as in a new process: nodes are numbered from 0.

    What it shows is kept for its page. After it the builder's own minigrad is back.
    """
    mine = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "minigrad"}
    for name in mine:
        del sys.modules[name]
    if when == "before":
        builders.update(mine)
        silent()
        script: Any = importlib.import_module("minigrad.classroom.script")
        script.show = lambda fig, name, caption: shown.append((fig, caption))
    else:
        sys.modules.update(builders)


def figures(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """After a cell: its figures as files, and as reST with the caption as text below, where any width can break it."""
    made = []
    for fig, caption in shown:
        path = Path(next(variables["image_path_iterator"]))
        fig.savefig(path, dpi=110, bbox_inches="tight")
        text = escaped(" ".join(caption.split()))
        place = path.relative_to(gallery["src_dir"]).as_posix()
        made.append(f".. figure:: /{place}\n   :alt: {text}\n   :class: lesson-figure\n\n   {text}\n")
    shown.clear()
    return "\n".join(made)


def setup(app: Any) -> dict[str, Any]:
    """Put the two wrapped functions in place, and the directive."""
    silent()
    py_source_parser.split_code_and_text_blocks = cells
    gen_rst.save_notebook = own_notebook
    app.add_directive("markdown", Markdown)
    return {"parallel_read_safe": True}
