"""The ``minigrad`` command."""

from __future__ import annotations

import argparse
import io
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.classroom.commands import add_commands as add_lesson_commands
from minigrad.files import file_to_write, folder_to_write
from minigrad.inspect.page.commands import add_commands as add_replay_command
from minigrad.inspect.stepping.commands import add_commands as add_step_command
from minigrad.version import __version__


def _demo(arguments: argparse.Namespace) -> int:
    from minigrad import demo  # each command loads only what it needs

    demo.run(_figure_file(arguments.out), arguments.epochs or demo.EPOCHS, arguments.seed)
    return 0


def _figure_file(out: str | None) -> Path:
    """Where the demo's figure goes, and whether it can, before any training; into a folder under its own name."""
    from minigrad.classroom.script import default_folder

    name = "demo_gradient_norms.png"
    if out is None:
        return folder_to_write(default_folder()) / name
    if Path(out).is_dir() or out.endswith(("/", os.sep)):
        return folder_to_write(out) / name
    from matplotlib.backend_bases import FigureCanvasBase

    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(out).suffix[1:].lower() not in kinds:
        raise ValueError(f"--out {out}: a figure's name ends in one of {', '.join(f'.{kind}' for kind in kinds)}")
    return file_to_write(out)


def _one_or_more(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 on is wanted, and not {text!r}")
    return int(text)


def _info(arguments: argparse.Namespace) -> int:
    import numba
    import numpy as np

    from minigrad.kernels.compile import BACKEND
    from minigrad.kernels.threads import get_num_threads

    print(f"minigrad {__version__}")
    print(f"Python   {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"NumPy    {np.__version__}")
    print(f"Numba    {numba.__version__}")
    print(f"kernels  {BACKEND} (MINIGRAD_KERNELS), {get_num_threads()} threads (MINIGRAD_NUM_THREADS)")
    print(f"cache    {os.environ.get('NUMBA_CACHE_DIR') or 'beside the modules, or in a folder of the user'}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="minigrad", description="Autograd to read, step through and learn from.")
    top.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="train a plain net and its residual twin, and show their gradients")
    demo.add_argument("--out", metavar="PATH", help="where the figure goes (figures; out in a checkout of minigrad)")
    demo.add_argument("--epochs", type=_one_or_more, metavar="N", help="how long to train")
    demo.add_argument("--seed", type=int, default=0, help="seed of the first values and of the order (%(default)s)")
    demo.set_defaults(run=_demo)
    info = commands.add_parser("info", help="versions, kernels and threads: what to put into a bug report")
    info.set_defaults(run=_info)
    add_lesson_commands(commands)
    add_step_command(commands)
    add_replay_command(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 2 for a bad call, 130 after Ctrl-C, 141 where nobody reads on."""
    command = "minigrad"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character that the terminal hasn't is no reason to end
    try:
        try:
            arguments = parser().parse_args(argv)
            command = f"minigrad {arguments.command}"
            code: int = arguments.run(arguments)
        finally:
            if sys.stdout is not None:  # (it is None where the caller has closed it)
                sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{command}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as after `minigrad lesson | head -1`
        _write_no_more()
        return 141
    except (OSError, ValueError) as error:
        _tell(command, error)
        return 2
    return code


def _tell(command: str, error: OSError | ValueError) -> None:
    """Say in one line what is wrong; also where standard output is what can't be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _write_no_more()
    print(f"{command}: {error}", file=sys.stderr)


def _write_no_more() -> None:
    """Send what is left in standard output's buffer nowhere: Python would try to write it, and complain, as it ends."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
