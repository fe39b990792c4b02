"""A lesson as a Jupyter notebook; the extra ``notebook`` brings what it takes."""

from __future__ import annotations

from pathlib import Path

from minigrad.classroom.catalogue import Lesson
from minigrad.files import write_whole


def write_notebook(lesson: Lesson, folder: Path) -> Path:
    """Write a lesson's cells as ``NN_name.ipynb``; its figures show inline when they are run.

    Parameters
    ----------
    lesson
        Which.
    folder
        Where it goes; a notebook that is there is left as it is.

    Raises
    ------
    ValueError
        If it is there already, or jupytext isn't installed.
    """
    try:
        import jupytext
    except ImportError:
        raise ValueError("notebooks need jupytext: pip install 'minigrad[notebook]'") from None
    target = folder / f"{lesson.path.stem}.ipynb"
    if target.exists():
        raise ValueError(f"{target}: there already, and left as it is; choose another folder")
    notebook = jupytext.read(lesson.path, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # (jupytext draws them at random)
    write_whole(target, jupytext.writes(notebook, fmt="ipynb").encode())
    return target
