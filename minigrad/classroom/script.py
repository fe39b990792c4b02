"""What every lesson's script does besides its subject: show a figure where it stands. And, for tests, its parts."""

from __future__ import annotations

import argparse
import ast
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.plot import save


def default_folder() -> Path:
    """Where figures go if nothing is said: ``figures``, but ``out`` in a checkout of minigrad.

    The checkout's own ``figures`` are part of the repository: only ``minigrad lesson all --save figures`` makes
    them anew.
    """
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / "minigrad" / "engine").is_dir() and (place / "lessons" / "exercises").is_dir():
            return Path("out")
    return Path("figures")


def save_folder() -> Path:
    """The folder for the figures: what the command line says after ``--save``, else `default_folder`."""
    default = default_folder()
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", metavar="DIR", default=default, type=Path, help="where figures go (%(default)s)")
    return parser.parse_args().save


def show(fig: Any, name: str, caption: str) -> None:
    """Show a figure with a caption below it: inline in a notebook, and in a script saved, with a line that says where.

    Parameters
    ----------
    fig
        The figure.
    name
        What its file is called in a script: ``07_ledger`` becomes ``07_ledger.png`` in the folder after ``--save``,
        or in `default_folder`.
    caption
        What to see in it.
    """
    text = fig.text(0.5, 0.02, caption, ha="center", va="bottom", fontsize=10)
    top = text.get_window_extent().transformed(fig.transFigure.inverted()).y1
    fig.set_layout_engine("none")
    fig.tight_layout(rect=(0, top + 0.01, 1, 1))
    if _in_a_notebook():
        from IPython.display import Image, display

        drawn = io.BytesIO()
        fig.savefig(drawn, format="png", dpi=110)
        display(Image(data=drawn.getvalue(), alt=caption))
    else:
        print("figure:", save(fig, save_folder() / f"{name}.png"))


def _in_a_notebook() -> bool:
    """Whether Jupyter's kernel runs this, as in VS Code's cells too; the command line there is the kernel's."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def definitions(path: str | Path) -> ModuleType:
    """A lesson's imports, CONSTANTS, functions and classes, as a module, without running what its cells do.

    Parameters
    ----------
    path
        The script. What stands at its top level is kept if it is an import, a function, a class, or gives a value to
        names that are all in capitals; these run in the order of the script.

    Examples
    --------
    >>> from minigrad.classroom.catalogue import find
    >>> definitions(find("7").path).DEAD
    3
    """
    path = Path(path)
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    tree.body = [statement for statement in tree.body if _defines(statement)]
    module = ModuleType(f"definitions_of_{path.stem}")
    module.__file__ = str(path)
    exec(compile(tree, str(path), "exec"), vars(module))  # the lesson's own code, less its cells
    return module


def _defines(statement: ast.stmt) -> bool:
    """Whether a statement only defines: an import, a function, a class, a constant in capitals."""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [n for t in targets for n in (t.elts if isinstance(t, ast.Tuple) else [t])]
        return all(isinstance(name, ast.Name) and name.id.isupper() for name in names)
    return False
