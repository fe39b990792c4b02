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
    rest = "the script's own arguments, after --out where that is given"
    replay.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help=rest)
    replay.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    from minigrad.inspect.page.first_pass import FirstPass  # a command loads only what it needs
    from minigrad.inspect.stepping.commands import run_script

    path, given, rest = Path(arguments.file), arguments.out, arguments.arguments
    if rest[:1] == ["--out"] and len(rest) > 1:  # what follows the script's name is the script's, but for this
        given, rest = rest[1], rest[2:]
    out = Path(given)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r} here: give the path of a Python script")
    if not out.resolve().parent.is_dir():
        raise FileNotFoundError(f"--out {out}: there is no folder {str(out.parent)!r}")
    out = out.resolve()  # the script may go to another folder
    with FirstPass() as first:
        code = run_script(path, rest)
    if first.page is None:
        print(f"minigrad replay: {path} ended without a backward pass, so there is nothing to play", file=sys.stderr)
        return code or 1
    first.page.save(out)
    print(f"{given}: {len(first.page.trace)} steps")
    return code
