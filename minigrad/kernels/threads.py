"""Kernels that several threads share: compiled once, and run by Python threads of our own over disjoint rows.

A kernel's loop is over rows that don't depend on each other, and is told which of them to do: ``[first, last)``. It
runs without the GIL, so a thread that does other rows meanwhile is a thread of Python's, and the code is the same
machine code whether one thread runs it or four. So is every bit of the result.

Numba's own way, ``parallel=True``, hands work to OpenMP in 4 microseconds, and a thread of ours takes 25 to wake. But
Numba compiles such a kernel a second time, into other code: it took as long as all the rest of a first run, summed in
another order than the kernel for one thread, died in a forked child, and let one caller in at a time. Here the caller
begins at once and doesn't wait for a thread that is late, so that small arrays lose little.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

import numba
import numpy as np
from numpy import empty, ndarray  # (looking into NumPy's module at each call is slow: it has a ``__getattr__``)

from minigrad.kernels.compile import Array, jit

R = TypeVar("R")

#: Below this many elementary operations, waking a second thread costs more than it gives.
SMALL = 200_000
#: Flat arrays are cut at multiples of this many elements. The compiler does so many, or fewer, at a time; what is left
#: at the end it does one by one, which may round otherwise: so these are the same elements wherever the cuts are.
VECTOR = 64
#: A call is cut into at most this many pieces for each thread, so that one that comes late, or is slower, does fewer.
PIECES = 8


def _threads_asked_for() -> int:
    asked = os.environ.get("MINIGRAD_NUM_THREADS", "").strip()
    if not asked:
        return int(vars(numba.config)["NUMBA_NUM_THREADS"])  # as many as this process may use processors
    if not asked.isdecimal() or int(asked) < 1:
        raise ValueError(f"MINIGRAD_NUM_THREADS is {asked!r}: it must be a whole number, 1 or more")
    return int(asked)


_threads = _threads_asked_for()


def get_num_threads() -> int:
    """How many threads the kernels use."""
    return _threads


def set_num_threads(n: int) -> None:
    """Set how many threads the kernels use. The results don't depend on it.

    Raises
    ------
    ValueError
        If ``n`` is below 1.
    """
    global _threads
    try:
        number = operator.index(n)
    except TypeError:
        raise TypeError(f"set_num_threads: n must be an integer of at least 1, and is {n!r}") from None
    if number < 1:
        raise ValueError(f"set_num_threads({n}): it takes at least 1")
    _threads = number


class _Job:
    """A kernel's call, cut into pieces; whoever has time takes one after the other."""

    def __init__(self, run: Callable[[int, int], None], count: int, step: int) -> None:
        self.run, self.count, self.step = run, count, step
        self.starts = iter(range(0, count, step))  # (taking the next number is one step to Python: no two get the same)
        self.error: BaseException | None = None
        self.lock = threading.Lock()
        self.closed, self.helpers = False, 0
        self.done = threading.Lock()
        self.done.acquire()

    def work(self) -> None:
        """Do pieces as long as there are some."""
        for first in self.starts:
            self.run(first, min(first + self.step, self.count))

    def help(self) -> None:
        """Do the same in another thread, unless all is done."""
        with self.lock:
            if self.closed:
                return
            self.helpers += 1
        try:
            self.work()
        except BaseException as error:  # the caller's thread raises it
            self.error = error
        with self.lock:
            self.helpers -= 1
            if self.closed and self.helpers == 0:
                self.done.release()

    def close(self) -> None:
        """Send away who comes now, and wait for who is still at work."""
        with self.lock:
            self.closed = True
            at_work = self.helpers > 0
        for _ in self.starts:  # what is left after an error
            pass
        if at_work:
            self.done.acquire()
        del self.run  # (a helper that is late would keep the arrays)
        if self.error is not None:
            raise self.error


class _Pool:
    """Threads that wait for jobs; they are started when first needed, and again after a fork, which leaves none."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.started = 0

    def ask(self, job: _Job, helpers: int) -> None:
        """Let this many threads know of a job."""
        while self.started < helpers:
            self.started += 1
            try:
                # A daemon: it is always waiting or at work for a caller that waits, so nothing is lost at the end.
                threading.Thread(target=self.serve, name=f"minigrad-{self.started}", daemon=True).start()
            except RuntimeError:  # the system has no threads, or Python is ending: the caller does it alone
                return
        for _ in range(helpers):
            self.jobs.put(job)

    def serve(self) -> None:
        """Help with one job after the other, for ever."""
        while True:
            self.jobs.get().help()


_pool = _Pool()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_pool.__init__)  # type: ignore[misc]  # as good as new


def share(run: Callable[[int, int], None], count: int, work: int, grain: int = 1) -> None:
    """Call ``run(first, last)`` so that all of ``range(count)`` is done once, by several threads, cut by the grain."""
    pieces = _threads * min(PIECES, 1 + work // SMALL)
    step = -(-count // pieces)
    step += -step % grain
    job = _Job(run, count, step)
    try:
        _pool.ask(job, min(_threads, -(-count // step)) - 1)
        job.work()
    finally:
        job.close()


class RowKernel:
    """A jitted body ``(first, last, *args)`` that does the rows from ``first`` on, up to ``last``."""

    def __init__(self, body: Callable[..., None], **options: Any) -> None:
        self.body = body
        self.compiled = jit(body, **options)

    def __call__(self, work: int, count: int, *args: Any) -> None:
        """Do all of ``count`` rows; ``work`` says how many elementary operations that is."""
        compiled = self.compiled
        try:
            if work < SMALL or _threads == 1:
                compiled(0, count, *args)
            else:
                share(lambda first, last: compiled(first, last, *args), count, work)
        except NotImplementedError:
            _on_wide_copies(lambda *wide: compiled(0, count, *wide), *args)


class FlatKernel:
    """A jitted body that goes through flat arrays of one size, element by element; each thread gets a slice of all."""

    def __init__(self, body: Callable[..., None], **options: Any) -> None:
        self.body = body
        self.compiled = jit(body, **options)

    def __call__(self, work: int, count: int, *args: Any) -> None:
        """Do all of ``count`` elements; ``work`` says how many elementary operations that is."""
        compiled = self.compiled
        try:
            if work < SMALL or _threads == 1:
                compiled(*args)
            else:
                share(lambda first, last: compiled(*_cut(args, first, last)), count, work, VECTOR)
        except NotImplementedError:
            _on_wide_copies(compiled, *args)


def _cut(args: tuple[Any, ...], first: int, last: int) -> list[Any]:
    return [a[first:last] if isinstance(a, ndarray) else a for a in args]


def _on_wide_copies(run: Callable[..., None], *args: Any) -> None:
    """Run with float32 in the place of float16, which Numba doesn't have, and copy back what was written."""
    wide = [a.astype(np.float32) if getattr(a, "dtype", None) == np.float16 else a for a in args]
    before = [a.tobytes() if isinstance(a, ndarray) else b"" for a in wide]
    with np.errstate(over="ignore"):
        run(*wide)
        for given, copy, old in zip(args, wide, before, strict=True):
            if copy is not given and isinstance(copy, ndarray) and copy.tobytes() != old:
                given[...] = copy


def in_single(function: Callable[..., R], *args: Any) -> R:
    """What ``function`` gives for float16, computed in float32 from the first step to the last."""
    results: Any = function(*(a.astype(np.float32) if getattr(a, "dtype", None) == np.float16 else a for a in args))
    with np.errstate(over="ignore"):
        if isinstance(results, tuple):
            narrow: Any = tuple(None if y is None else y.astype(np.float16) for y in results)
        else:
            narrow = results.astype(np.float16)
    given: R = narrow
    return given


def row_kernel(body: Callable[..., None] | None = None, **options: Any) -> Any:
    """Make a body that loops over ``range(first, last)`` a ``RowKernel``."""
    if body is None:
        return lambda function: RowKernel(function, **options)
    return RowKernel(body, **options)


def flat_kernel(body: Callable[..., None]) -> FlatKernel:
    """Make a body that loops over all elements of its arrays a ``FlatKernel``."""
    return FlatKernel(body)


def filled(kernel: FlatKernel, cost: int) -> Callable[..., Array]:
    """A function that lets ``kernel`` fill a new array, of the first argument's shape.

    The kernel sees all arrays as flat ones, the new one last. ``cost`` is what an element costs, beside an addition.
    """

    def fast(first: Array, *others: Any) -> Array:
        y = empty(first.shape, first.dtype)
        work = y.size * cost
        for other in others:
            if isinstance(other, ndarray) and other.shape != first.shape:
                raise ValueError(f"arrays of shapes {first.shape} and {other.shape}: they must be the same")
        try:
            # On small arrays, spelling out the usual calls saves a quarter of the time.
            if work < SMALL and not others:
                kernel.compiled(first.ravel(), y.ravel())
            elif work < SMALL and len(others) == 1 and type(others[0]) is ndarray:
                kernel.compiled(first.ravel(), others[0].ravel(), y.ravel())
            else:
                kernel(work, y.size, first.ravel(), *map(_flat, others), y.ravel())
        except NotImplementedError:
            kernel(work, y.size, first.ravel(), *map(_flat, others), y.ravel())
        return y

    return fast


def _flat(x: Any) -> Any:
    """An array as a flat one, and a number as a float."""
    return x.ravel() if isinstance(x, ndarray) else float(x)
