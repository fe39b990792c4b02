"""The ``minigrad`` command."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.classroom.commands import add_commands as add_lesson_commands
from minigrad.inspect.stepping.commands import add_commands as add_step_command
from minigrad.version import __version__


def _demo(arguments: argparse.Namespace) -> int:
    from minigrad import demo  # each command loads only what it needs

    demo.run(Path(arguments.out), arguments.epochs or demo.EPOCHS, arguments.seed)
    return 0


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
    demo.add_argument("--out", default="figures/demo_gradient_norms.png", help="where the figure goes (%(default)s)")
    demo.add_argument("--epochs", type=int, default=None, help="how long to train")
    demo.add_argument("--seed", type=int, default=0, help="seed of the first values and of the order (%(default)s)")
    demo.set_defaults(run=_demo)
    info = commands.add_parser("info", help="versions, kernels and threads: what to put into a bug report")
    info.set_defaults(run=_info)
    add_lesson_commands(commands)
    add_step_command(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (FileNotFoundError, ValueError) as error:
        print(f"minigrad {arguments.command}: {error}", file=sys.stderr)
        return 2
    return code
