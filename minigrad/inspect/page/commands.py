"""The command ``minigrad replay``: run a script, and make a page of its first backward pass."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add it to the command line's subparsers."""
    replay = commands.add_parser("replay", help="run a script, and make a page that plays its first backward pass")
    replay.add_argument("file", metavar="FILE", help="the script")
    replay.add_argument("--out", metavar="PAGE", default="replay.html", help="where the page goes (%(default)s)")
    replay.add_argument("arguments", nargs="*", metavar="ARGS", help="the script's own arguments, after --")
    replay.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    from minigrad.inspect.page.first_pass import FirstPass  # a command loads only what it needs
    from minigrad.inspect.stepping.commands import run_script

    path, out = Path(arguments.file), Path(arguments.out)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r} here: give the path of a Python script")
    if not out.resolve().parent.is_dir():
        raise FileNotFoundError(f"--out {out}: there is no folder {str(out.parent)!r}")
    out = out.resolve()  # the script may go to another folder
    with FirstPass() as first:
        code = run_script(path, arguments.arguments)
    if first.page is None:
        print(f"minigrad replay: {path} ended without a backward pass, so there is nothing to play", file=sys.stderr)
        return code or 1
    first.page.save(out)
    print(f"{arguments.out}: {len(first.page.trace)} steps")
    return code
