"""Kernels that several threads share: compiled once, and run by threads of our own over disjoint rows.

A kernel's loop is over rows that don't depend on each other, and is told which of them to do: ``[first, last)``. It
runs without the GIL, and the code is the same machine code whether one thread runs it or four. So is every bit of the
result. How the work comes to the threads is in ``handoff.py``.

Numba's own way, ``parallel=True``, compiles such a kernel a second time, into other code: it took as long as all the
rest of a first run, summed in another order than the kernel for one thread, died in a forked child, and let one caller
in at a time.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy import empty, ndarray  # (looking into NumPy's module at each call is slow: it has a ``__getattr__``)

from minigrad.kernels import handoff
from minigrad.kernels.compile import Array, jit

R = TypeVar("R")
_settings: Any = numba.config

#: Below this many elementary operations, waking a second thread costs more than it gives.
SMALL = 200_000
#: Flat arrays are cut at multiples of this many elements. The compiler does so many, or fewer, at a time; what is left
#: at the end it does one by one, which may round otherwise: so these are the same elements wherever the cuts are.
VECTOR = 64
#: A call is cut into at most this many pieces for each thread, so that one that comes late, or is slower, does fewer.
PIECES = 8
#: So many looks for a job, about a millisecond, are made before a thread sleeps.
PATIENCE = 20_000


def _threads_asked_for() -> int:
    asked = os.environ.get("MINIGRAD_NUM_THREADS", "").strip()
    if not asked:
        return int(_settings.NUMBA_NUM_THREADS)  # as many as this process may use processors
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
    if number < _threads:
        _new_pool()
    _threads = number


class _Pool:
    """Threads that help, and the memory in which they look for jobs; a thread is started when it is first needed."""

    def __init__(self) -> None:
        self.memory = handoff.new_pool()
        self.started = 0
        self.starting = threading.Lock()
        self.awake = threading.Event()  # cleared by a thread that goes to sleep
        self.retired = False

    def wake(self, helpers: int) -> None:
        """See to it that this many threads look for jobs."""
        if self.started < helpers:
            with self.starting:  # (several callers may come at once)
                while self.started < helpers and self._start():
                    self.started += 1  # (not before: after a Ctrl-C between, a thread would be missed for ever)
        if not self.awake.is_set():
            self.awake.set()

    def _start(self) -> bool:
        try:
            # A daemon: it only works for a caller that waits, so nothing is lost at the end.
            threading.Thread(target=self._serve, name=f"minigrad-{self.started + 1}", daemon=True).start()
        except RuntimeError:  # the system has no threads, or Python is ending: the caller does it alone
            return False
        return True

    def retire(self) -> None:
        """Let the threads end."""
        self.retired = True
        self.wake(0)

    def _serve(self) -> None:
        while not self.retired:
            handoff.serve(self.memory, PATIENCE)
            self.awake.clear()
            if not self.retired:
                self.awake.wait()


_pool = _Pool()


def _new_pool() -> None:
    """Begin with a pool that has no threads; the old one's threads end."""
    global _pool
    _pool.retire()
    _pool = _Pool()


if hasattr(os, "register_at_fork"):  # not on Windows; a forked child has no threads but the one that forked
    os.register_at_fork(after_in_child=_new_pool)


class RowKernel:
    """A jitted body ``(first, last, *args)`` that does the rows from ``first`` on, up to ``last``.

    Where it is shared, the rows are cut at multiples of ``grain``.
    """

    def __init__(self, body: Callable[..., None], grain: int = 1) -> None:
        self.body = body
        self.grain = grain
        self.compiled = jit(body)
        self.shared: dict[Any, tuple[Callable[..., int], int]] = {}

    def __call__(self, work: int, count: int, *args: Any) -> None:
        """Do all of ``count`` rows; ``work`` says how many elementary operations that is."""
        try:
            if work < SMALL or _threads == 1 or _settings.DISABLE_JIT:
                self.compiled(0, count, *args)
            else:
                self._share(work, count, args)
        except NotImplementedError:
            _on_wide_copies(lambda *wide: self.compiled(0, count, *wide), *args)

    def _share(self, work: int, count: int, args: tuple[Any, ...]) -> None:
        pieces = _threads * min(PIECES, 1 + work // SMALL)
        step = -(-count // pieces)
        step += -step % self.grain
        share, address = self._for(args)
        _pool.wake(min(_threads, -(-count // step)) - 1)
        if share(_pool.memory, address, count, step, args):
            raise MemoryError(f"{self.body.__name__}: no memory for what a thread needs to work with")

    def _for(self, args: tuple[Any, ...]) -> tuple[Callable[..., int], int]:
        """``handoff.share`` for arguments of these kinds, and where the kernel's machine code for them begins."""
        kind = _kind(args)
        if kind not in self.shared:
            types = (numba.intp, numba.intp, *map(numba.typeof, args))
            self.compiled.compile(types)
            made = self.compiled.overloads[types]
            address = made.library.get_pointer_to_function(made.fndesc.llvm_func_name)
            # (Numba's own look at a tuple is slower, and in 0.60 it takes one kind for another.)
            memory, together = map(numba.typeof, (_pool.memory, args))
            whole = (memory, numba.int64, numba.int64, numba.int64, together)
            handoff.share.compile(whole)
            self.shared[kind] = handoff.share.overloads[whole].entry_point, address
        return self.shared[kind]


def _kind(x: Any) -> Any:
    """What decides which machine code an argument needs, told faster than Numba does it."""
    if isinstance(x, ndarray):
        return x.dtype, x.ndim, x.flags.num
    return (type(x), *map(_kind, x)) if isinstance(x, tuple) else type(x)


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


def row_kernel(body: Callable[..., None]) -> RowKernel:
    """Make a body that loops over ``range(first, last)`` a kernel."""
    return RowKernel(body)


def flat_kernel(body: Callable[..., None]) -> RowKernel:
    """The same for a body that cuts ``[first:last]`` out of flat arrays of one size, and works on the elements."""
    return RowKernel(body, grain=VECTOR)


def filled(kernel: RowKernel, cost: int) -> Callable[..., Array]:
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
                kernel.compiled(0, y.size, first.ravel(), y.ravel())
            elif work < SMALL and len(others) == 1 and type(others[0]) is ndarray:
                kernel.compiled(0, y.size, first.ravel(), others[0].ravel(), y.ravel())
            else:
                kernel(work, y.size, first.ravel(), *map(_flat, others), y.ravel())
        except NotImplementedError:
            kernel(work, y.size, first.ravel(), *map(_flat, others), y.ravel())
        return y

    return fast


def _flat(x: Any) -> Any:
    """An array as a flat one, and a number as a float."""
    return x.ravel() if isinstance(x, ndarray) else float(x)
