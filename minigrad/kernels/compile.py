"""How a kernel is made: a NumPy reference that can be read, and a compiled function that stands in for it.

In each file of this package the compiled version stands first, and the reference follows under the
public name::

    @row_kernel
    def _relu_rows(x, y): ...                   # loops, compiled on the first call

    def _fast_relu(x): ...                      # allocates, and calls the loops

    @replaced_by(_fast_relu)
    def relu(x):
        '''The rectifier.'''
        return np.maximum(x, 0)                 # the reference: the oracle of the tests

With ``MINIGRAD_KERNELS=numpy`` in the environment the references are what runs, so that a debugger can
go all the way down.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar, overload

import numba
import numpy.typing as npt
from numba.core import event

Array = npt.NDArray[Any]
P = ParamSpec("P")
R = TypeVar("R")

#: Which kernels run: ``numba`` or ``numpy``.
BACKEND = os.environ.get("MINIGRAD_KERNELS", "numba").lower()
if BACKEND not in ("numba", "numpy"):
    raise ValueError(f"MINIGRAD_KERNELS is {BACKEND!r}: it can be 'numba' (the default) or 'numpy'")

#: What LLVM may do with floating-point sums: reorder and contract them. It may not assume that there
#: are no NaNs or infinities (``nnan``, ``ninf``), as ``fastmath=True`` would.
RELAXED = {"reassoc", "contract", "arcp", "nsz"}

# Numba's disk cache sees an edit in a kernel's own file, and none in what kernels share: the flags above and these
# files. It tells functions apart by name, so a name that follows their text has them compiled anew.
_SHARED_FILES = ("compile.py", "vector_math.py", "conv/vectors.py")
_SHARED = format(zlib.crc32(b"".join(Path(__file__).parent.joinpath(name).read_bytes() for name in _SHARED_FILES)), "x")


class Kernel(NamedTuple):
    """A kernel's two versions."""

    reference: Callable[..., Any]
    fast: Callable[..., Any]


#: Every kernel by name, for the tests that hold the fast one to the reference.
KERNELS: dict[str, Kernel] = {}


def replaced_by(fast: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let ``fast`` run in place of the decorated NumPy reference, unless NumPy was asked for."""

    def decorate(reference: Callable[P, R]) -> Callable[P, R]:
        module = reference.__module__.removeprefix("minigrad.kernels.").partition(".")[0]
        KERNELS[f"{module}.{reference.__name__}"] = Kernel(reference, fast)
        fast.__doc__ = reference.__doc__
        fast.__name__ = reference.__name__
        return reference if BACKEND == "numpy" else fast

    return decorate


@overload
def jit(function: Callable[..., Any], **options: Any) -> Any: ...
@overload
def jit(function: None = None, **options: Any) -> Callable[[Callable[..., Any]], Any]: ...
def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function on its first call, without the GIL, and keep the result on disk if possible."""
    if function is None:
        return functools.partial(jit, **options)
    options = {"nogil": True, "fastmath": RELAXED, "error_model": "numpy", **options}
    function.__qualname__ += f"_{_SHARED}"
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError as error:  # no folder to keep it in: a read-only install without a HOME
        _warn_uncached(str(error))
        return numba.njit(**options)(function)


@functools.cache
def _warn_uncached(reason: str) -> None:
    if _warn_uncached.cache_info().currsize == 0:
        warnings.warn(
            f"minigrad's compiled kernels can't be kept on disk ({reason}); they are compiled anew in "
            "each run. Set NUMBA_CACHE_DIR to a folder that can be written to",
            RuntimeWarning,
            stacklevel=2,
        )


class _CompileNotice(event.Listener):
    """Counts what is compiled, and says that this is happening: in a terminal one line that counts, else one line."""

    def __init__(self) -> None:
        self.count = 0

    def on_start(self, event: Any) -> None:
        module = event.data["dispatcher"].py_func.__module__ if event.data else ""
        if not str(module).startswith("minigrad."):
            return
        self.count += 1
        if sys.stderr.isatty():
            number = f": {self.count}" if self.count > 1 else ""
            print(f"\rminigrad: compiling kernels (first run only){number}", end="", file=sys.stderr, flush=True)
            if self.count == 1:
                atexit.register(print, file=sys.stderr)  # the line has no end yet
        elif self.count == 1:
            print("minigrad: compiling kernels (first run only)", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Nothing to do: the listener's interface asks for it."""


_notice = _CompileNotice()
event.register("numba:compile", _notice)  # type: ignore[no-untyped-call]


def compiled_count() -> int:
    """How many kernel specialisations this process has compiled (not those loaded from disk)."""
    return _notice.count
