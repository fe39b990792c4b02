"""A lesson as a Jupyter notebook; the extra ``notebook`` brings what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minigrad.classroom.catalogue import Lesson
from minigrad.files import write_new


def write_notebooks(chosen: Sequence[Lesson], folder: Path) -> list[Path]:
    """Write lessons' cells as ``NN_name.ipynb``, all or none; their figures show inline when they are run.

    Parameters
    ----------
    chosen
        Which.
    folder
        Where they go; a notebook that is there is left as it is.

    Raises
    ------
    ValueError
        If one is there already, or jupytext isn't installed.
    """
    try:
        import jupytext
    except ImportError:
        raise ValueError("notebooks need jupytext: pip install 'minigrad[notebook]'") from None
    contents = {}
    for lesson in chosen:
        notebook = jupytext.read(lesson.path, fmt="py:percent")
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{i}"  # (jupytext draws them at random)
        contents[folder / f"{lesson.path.stem}.ipynb"] = jupytext.writes(notebook, fmt="ipynb").encode()
    write_new(contents)
    return list(contents)
