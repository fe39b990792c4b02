"""The command ``minigrad replay``: run a script, and make a page of its first backward pass."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from minigrad.files import file_to_write


def add_commands(commands: Any) -> None:
    """Add it to the command line's subparsers."""
    replay = commands.add_parser("replay", help="run a script, and make a page that plays its first backward pass")
    replay.add_argument("file", metavar="FILE", help="the script")
    replay.add_argument("--out", metavar="PAGE", default="replay.html", help="where the page goes (%(default)s)")
    rest = "the script's own arguments, after --out where that is given"
    replay.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help=rest).required = False
    replay.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    from minigrad.inspect.page.first_pass import FirstPass  # a command loads only what it needs
    from minigrad.inspect.stepping.commands import run_script, script_at

    given, rest = arguments.out, arguments.arguments
    # What follows the script's name is the script's, but for --out where it comes first.
    if rest and rest[0].startswith("--out="):
        given, rest = rest[0].removeprefix("--out="), rest[1:]
    elif rest[:1] == ["--out"]:
        if len(rest) == 1:
            raise ValueError("--out: give the page's name after it")
        given, rest = rest[1], rest[2:]
    path = script_at(arguments.file)
    out = file_to_write(given).absolute()  # the script may go to another folder
    with FirstPass() as first:
        code = run_script(path, rest)
    if first.page is None:
        if not code:
            print(f"minigrad replay: {path} ended without a backward pass, so there's nothing to play", file=sys.stderr)
        return code or 1
    first.page.save(out)
    print(f"{given}: {len(first.page.trace)} steps")
    return code
