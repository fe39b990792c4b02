"""The command ``minigrad step``: run a script, and take over at its first ``backward()``."""

from __future__ import annotations

import argparse
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOTHING = (
    "minigrad step: {} ended without a backward(), so there was nothing to step through. A pass that "
    "inspect.trace or backward_steps runs is not taken over: put inspect.step(loss) in its place"
)


def add_commands(commands: Any) -> None:
    """Add it to the command line's subparsers."""
    step = commands.add_parser("step", help="run a script, and step through its first backward()")
    step.add_argument("file", metavar="FILE", help="the script")
    step.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own arguments")
    step.set_defaults(run=_step)


def _step(arguments: argparse.Namespace) -> int:
    path = Path(arguments.file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r} here: give the path of a Python script")
    return step_script(path, arguments.arguments)


class _Left(BaseException):
    """The user left with q: the script ends here, whatever errors it may catch."""


def step_script(path: Path, arguments: Sequence[str]) -> int:
    """Run a script as Python would; the first ``loss.backward()`` in it is stepped through.

    A call with ``inputs=`` runs as it is. ``c`` at the end of the pass goes on with the script, ``q`` ends it.

    Parameters
    ----------
    path
        The script.
    arguments
        What it finds in ``sys.argv[1:]``.

    Returns
    -------
    int
        The exit code: that of the script, or 1 if there was no ``backward()`` to step through.
    """
    script = path.resolve()
    argv, folders = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        with _first_backward() as stepped:
            runpy.run_path(str(script), run_name="__main__")
    except _Left:
        return 0
    except Exception as error:  # its own errors are the script's: shown as Python shows them
        _print_traceback(error, str(script))
        return 1
    finally:
        sys.argv, sys.path[:] = argv, folders
    if not stepped:
        print(_NOTHING.format(path), file=sys.stderr)
        return 1
    return 0


@contextmanager
def _first_backward() -> Iterator[list[str]]:
    """Put the stepper in the place of ``Tensor.backward``, until it has run once."""
    from minigrad.inspect.stepper import run  # a command loads only what it needs
    from minigrad.tensor import Tensor

    original = Tensor.backward
    stepped: list[str] = []

    def backward(
        self: Tensor,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        if inputs is not None:
            original(self, gradient, retain_graph, create_graph, inputs)
            return
        Tensor.backward = original  # type: ignore[method-assign]
        keep = create_graph if retain_graph is None else retain_graph
        stepped.append(run(self, gradient, keep, create_graph, sys._getframe(1)))
        if stepped[-1] == "q":
            raise _Left

    Tensor.backward = backward  # type: ignore[method-assign]
    try:
        yield stepped
    finally:
        Tensor.backward = original  # type: ignore[method-assign]


def _print_traceback(error: Exception, script: str) -> None:
    """An error's traceback from the script's first line on, without what ran the script."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename != script:
        entry = entry.tb_next
    traceback.print_exception(type(error), error, entry or error.__traceback__)
