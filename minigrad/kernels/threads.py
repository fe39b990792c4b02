"""Kernels with two compiled forms: serial for small arrays, parallel for large ones.

The body is written once, with ``prange`` over rows that each thread owns, so no two threads ever write
to one element and the result doesn't depend on how many there are. The parallel form takes seconds to
compile, and is compiled only when an array is first large enough to need it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import numba
import numpy as np
from numpy import empty, ndarray  # (looking into NumPy's module at each call is slow: it has a ``__getattr__``)

from minigrad.kernels.compile import Array, jit

R = TypeVar("R")

#: Below this many elementary operations, waking a second thread costs more than it gives.
SMALL = 200_000

# Numba's fallback thread pool (``workqueue``) aborts the process when two threads enter it at once, and
# GNU OpenMP kills a forked child: one caller at a time, and none after a fork, goes parallel.
_one_at_a_time = threading.Lock()
_MOST: int = vars(numba.config)["NUMBA_NUM_THREADS"]
_threads = min(int(os.environ.get("MINIGRAD_NUM_THREADS", 0)) or _MOST, _MOST)
_forked = False


class _Limit(threading.local):
    """How many threads Numba was last told to use, by this thread."""

    threads = 0


_limit = _Limit()


def get_num_threads() -> int:
    """How many threads the kernels use."""
    return _threads


def set_num_threads(n: int) -> None:
    """Set how many threads the kernels use.

    Raises
    ------
    ValueError
        If ``n`` is below 1 or above what Numba was started with (``NUMBA_NUM_THREADS``).
    """
    global _threads
    if not 1 <= n <= _MOST:
        raise ValueError(f"set_num_threads({n}): from 1 to {_MOST} can be used here")
    _threads = n


@functools.cache
def _start_threads() -> None:
    """Start Numba's threads, once, such that an idle one soon goes to sleep.

    An idle worker of GNU OpenMP spins for milliseconds, and on two cores takes one from NumPy's BLAS: a product of
    256 x 256 after a small convolution took 28 ms, and takes 0.7 ms if the worker sleeps. One that sleeps at once
    has to be woken for each kernel of a small net, which took a third longer. The library reads the setting when
    it is loaded; the environment is then left as it was, for other libraries that bring an OpenMP of their own.
    """
    ours = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
    if ours:
        os.environ["GOMP_SPINCOUNT"] = "10000"
    try:
        numba.set_num_threads(_threads)
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


class RowKernel:
    """A jitted body in two forms; the first argument of a call says how much work there is."""

    def __init__(self, body: Callable[..., None], **options: Any) -> None:
        # Numba's disk cache tells functions apart by name: the parallel form needs one of its own.
        twin = FunctionType(body.__code__, body.__globals__, body.__name__ + "_parallel", body.__defaults__)
        twin.__qualname__ = twin.__name__
        twin.__module__ = body.__module__
        self.body = body
        self.serial = jit(body, **options)
        self.parallel = jit(twin, parallel=True, **options)

    def __call__(self, work: int, *args: Any) -> None:
        """Run one of the two forms on ``args``."""
        if work < SMALL or _threads == 1 or _forked or not _one_at_a_time.acquire(blocking=False):
            try:
                self.serial(*args)
            except NotImplementedError:
                self.on_wide_copies(*args)
            return
        try:
            _start_threads()
            if _limit.threads != _threads:  # (asking Numba takes microseconds)
                numba.set_num_threads(_threads)
                _limit.threads = _threads
            self.parallel(*args)
        except NotImplementedError:
            self.on_wide_copies(*args)
        finally:
            _one_at_a_time.release()

    def on_wide_copies(self, *args: Any) -> None:
        """Run with float32 in the place of float16, which Numba doesn't have, and copy back what was written."""
        wide = [a.astype(np.float32) if getattr(a, "dtype", None) == np.float16 else a for a in args]
        before = [a.tobytes() if isinstance(a, ndarray) else b"" for a in wide]
        with np.errstate(over="ignore"):
            self.serial(*wide)
            for given, copy, old in zip(args, wide, before, strict=True):
                if copy is not given and isinstance(copy, ndarray) and copy.tobytes() != old:
                    given[...] = copy


def in_single(function: Callable[..., R], *args: Any) -> R:
    """What ``function`` gives for float16, computed in float32 from the first step to the last."""
    results: Any = function(*(a.astype(np.float32) if getattr(a, "dtype", None) == np.float16 else a for a in args))
    with np.errstate(over="ignore"):
        narrow: Any = tuple(None if y is None else y.astype(np.float16) for y in results)
    given: R = narrow
    return given


def row_kernel(body: Callable[..., None] | None = None, **options: Any) -> Any:
    """Make a body that loops with ``prange`` over rows a ``RowKernel``."""
    if body is None:
        return lambda function: RowKernel(function, **options)
    return RowKernel(body, **options)


def filled(kernel: RowKernel, cost: int) -> Callable[..., Array]:
    """A function that lets ``kernel`` fill a new array, of the first argument's shape.

    The kernel sees all arrays as flat ones, the new one last. ``cost`` is how dear an element is, beside an addition.
    """

    def fast(first: Array, *others: Any) -> Array:
        y = empty(first.shape, first.dtype)
        work = y.size * cost
        try:
            # On small arrays, spelling out the usual calls saves a quarter of the time.
            if work < SMALL and not others:
                kernel.serial(first.ravel(), y.ravel())
            elif work < SMALL and len(others) == 1 and type(others[0]) is ndarray:
                kernel.serial(first.ravel(), others[0].ravel(), y.ravel())
            else:
                kernel(work, first.ravel(), *map(_flat, others), y.ravel())
        except NotImplementedError:
            kernel.on_wide_copies(first.ravel(), *map(_flat, others), y.ravel())
        return y

    return fast


def _flat(x: Any) -> Any:
    """An array as a flat one, and a number as a float."""
    return x.ravel() if isinstance(x, ndarray) else float(x)
