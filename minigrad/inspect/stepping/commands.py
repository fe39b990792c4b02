"""The command ``minigrad step``: run a script, and take over at its first backward pass."""

from __future__ import annotations

import argparse
import runpy
import sys
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
    step.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own arguments")
    step.set_defaults(run=_step)


def _step(arguments: argparse.Namespace) -> int:
    path = Path(arguments.file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r} here: give the path of a Python script")
    return step_script(path, arguments.arguments)


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
        The exit code: 1 after an error, whose traceback is shown, and 130 after Ctrl-C.
    """
    script = path.resolve()
    argv, folders = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except KeyboardInterrupt:
        print()
        return 130
    except Exception as error:  # its own errors are the script's: shown as Python shows them
        _print_traceback(error, str(script))
        return 1
    finally:
        sys.argv, sys.path[:] = argv, folders
    return 0


def _print_traceback(error: Exception, script: str) -> None:
    """An error's traceback from the script's first line on, without what ran the script."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename != script:
        entry = entry.tb_next
    traceback.print_exception(type(error), error, entry or error.__traceback__)
