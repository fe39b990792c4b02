"""What every lesson's script does besides its subject: read ``--save DIR``, and put figures there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from minigrad.plot import save


def save_folder() -> Path:
    """The folder for the figures: what the command line says after ``--save``, else ``figures``.

    In a notebook the command line is the kernel's, and isn't read.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", metavar="DIR", default="figures", type=Path, help="where figures go (%(default)s)")
    return parser.parse_args([] if "ipykernel" in sys.modules else None).save


def finish(fig: Any, path: Path, caption: str) -> None:
    """Put a caption below a figure, fit the axes to what is left, save the figure, and say where it is.

    Parameters
    ----------
    fig
        The figure.
    path
        Where it goes.
    caption
        What to see in it.
    """
    text = fig.text(0.5, 0.02, caption, ha="center", va="bottom", fontsize=10)
    top = text.get_window_extent().transformed(fig.transFigure.inverted()).y1
    fig.tight_layout(rect=(0, top + 0.01, 1, 1))
    print("figure:", save(fig, path))
