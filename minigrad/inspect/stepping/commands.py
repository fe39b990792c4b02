"""The command ``minigrad step``: run a script, and take over at its first backward pass."""

from __future__ import annotations

import argparse
import runpy
import sys
import tokenize
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NOTHING = (
    "minigrad step: {} ended without a backward pass, so there was nothing to step through. loss.backward(), mg.grad, "
    "mg.backward_steps and inspect.trace run one; inspect.path_lengths doesn't, as it sends many gradients at once"
)


def add_commands(commands: Any) -> None:
    """Add it to the command line's subparsers."""
    step = commands.add_parser("step", help="run a script, and step through its first backward pass")
    step.add_argument("file", metavar="FILE", help="the script")
    rest = step.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own arguments")
    rest.required = False  # or else argparse, where FILE is missing, says that ARGS is missing too
    step.set_defaults(run=_step)


def _step(arguments: argparse.Namespace) -> int:
    return step_script(script_at(arguments.file), arguments.arguments)


def script_at(name: str) -> Path:
    """The path of a script, if there is one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no text that Python could read.
    """
    path = Path(name)
    if not path.is_file():
        what = f"{name!r} is a folder" if path.is_dir() else f"there is no file {name!r} here"
        raise FileNotFoundError(f"{what}: give the path of a Python script")
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is no Python script that can be read: {error}") from None
    if "\0" in text:
        raise ValueError(f"{name} is no Python script: it holds zero bytes")
    return path


def step_script(path: Path, arguments: Sequence[str]) -> int:
    """Run a script as Python would; its first backward pass, whatever runs it, is stepped through.

    When the user leaves the stepper, the script goes on; Ctrl-C ends it.

    Parameters
    ----------
    path
        The script.
    arguments
        What it finds in ``sys.argv[1:]``.

    Returns
    -------
    int
        The exit code: that of the script, or 1 if there was no pass to step through.
    """
    from minigrad.inspect.stepping.takeover import TakeOver  # a command loads only what it needs

    with TakeOver() as taken:
        code = run_script(path, arguments)
    if not code and not taken.done:
        print(_NOTHING.format(path), file=sys.stderr)
        return 1
    return code


def run_script(path: Path, arguments: Sequence[str]) -> int:
    """Run a script as Python would.

    Returns
    -------
    int
        The exit code: the script's own, or 1 after an error, whose traceback is shown.
    """
    script = path.resolve()
    argv, folders = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return _exit_code(end.code)
    except Exception as error:  # its own errors are the script's: shown as Python shows them
        if isinstance(error, BrokenPipeError):
            print(flush=True)  # (raises it again where it's our output that nobody reads)
        _print_traceback(error, str(script))
        return 1
    finally:
        sys.argv, sys.path[:] = argv, folders
    return 0


def _exit_code(code: object) -> int:
    """What Python makes of ``sys.exit(code)``: a text is shown, and counts as 1."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _print_traceback(error: Exception, script: str) -> None:
    """An error's traceback from the script's first line on, without what ran the script; of one in reading it, none."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename != script:
        entry = entry.tb_next
    if entry is None and not isinstance(error, SyntaxError):
        entry = error.__traceback__
    traceback.print_exception(type(error), error, entry)
