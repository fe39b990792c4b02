"""How a thread gets work from another within a microsecond: it looks for it, without sleeping and without the GIL.

To wake a sleeping thread takes a system call, and on a virtual machine 100 microseconds: as long as a kernel runs on
a small image. So the threads that help look at one place in memory, for a while after their last job (`serve`). A
caller puts a job's address there (`share`), and all who see it take pieces of the job until none is left. OpenMP does
the same. But for OpenMP Numba compiles each kernel a second time, into other code; here a job holds the address of the
kernel that was compiled for one thread, and the arguments, so that one thread or four run the same machine code.

What the threads share is a pool of three numbers, each on a line of the cache of its own.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from minigrad.kernels.compile import Array, jit

#: The places in a pool: the address of the job that is open, or 0;
JOB = 0
#: how many threads look into it or do pieces of it, besides the caller;
HELPERS = 8
#: and whether it is some caller's. Another one, at the same time, does its job alone.
TAKEN = 16

#: A function that writes LLVM's code by itself. Kernels call it without its first parameter.
intrinsic: Callable[[Callable[..., Any]], Any] = extending.intrinsic
_NUMBER = ir.IntType(64)
#: LLVM's names for the instruction that is made for loops that wait, and what it is called with.
_PAUSES = {"x86": ("llvm.x86.sse2.pause", []), "arm": ("llvm.aarch64.hint", [ir.IntType(32)(1)])}
_PAUSE = _PAUSES.get({"x86_64": "x86", "AMD64": "x86", "aarch64": "arm", "arm64": "arm"}.get(platform.machine(), ""))

# A job: the function that does its pieces, the next row, the number of rows, of rows a piece, the kernel's address,
# whether a piece failed, and the kernel's arguments.
_DO_PIECES, _NEXT, _COUNT, _STEP, _KERNEL, _FAILED, _ARGS = range(7)


def new_pool() -> Array:
    """A pool without a job."""
    return np.zeros(24, np.int64)


def _place(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    pool = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(pool.data, [values[1]])


@intrinsic
def _load(typing: Any, pool: Any, place: Any) -> Any:
    """What stands in a place of the pool at this moment."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, values), "seq_cst", 8)

    return types.int64(pool, types.intp), code


@intrinsic
def _exchange(typing: Any, pool: Any, place: Any, value: Any) -> Any:
    """Put a number there, and give back which one was there, in one step."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("xchg", _place(context, builder, signature, values), values[2], "seq_cst")

    return types.int64(pool, types.intp, types.int64), code


@intrinsic
def _add(typing: Any, pool: Any, place: Any, value: Any) -> Any:
    """Add to the number there, in one step."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, signature, values), values[2], "seq_cst")

    return types.int64(pool, types.intp, types.int64), code


@intrinsic
def _pause(typing: Any) -> Any:
    """Let the processor rest for a moment, where it has an instruction for that."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _PAUSE is not None:
            name, args = _PAUSE
            kind = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
        return context.get_dummy_value()

    return types.void(), code


@intrinsic
def _new_job(typing: Any, kernel: Any, count: Any, step: Any, args: Any) -> Any:
    """The address of a new job; it is on the stack of the function in which this stands."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, rows, piece, arguments = values
        layout = ir.LiteralStructType([_NUMBER] * _ARGS + [arguments.type])
        job = cgutils.alloca_once(builder, layout)
        do_pieces = builder.ptrtoint(_define_do_pieces(context, builder.module, layout, signature.args[3]), _NUMBER)
        zero = _NUMBER(0)
        for index, value in enumerate((do_pieces, zero, rows, piece, address, zero, arguments)):
            builder.store(value, cgutils.gep_inbounds(builder, job, 0, index))
        return builder.ptrtoint(job, _NUMBER)

    return types.int64(types.int64, types.int64, types.int64, args), code


def _define_do_pieces(context: Any, module: Any, layout: Any, args: Any) -> Any:
    """The function that takes one piece of such a job after the other and does it, until none is left."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_NUMBER]), "do_pieces")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("start"))
    job = builder.inttoptr(function.args[0], layout.as_pointer())
    count, step, address, arguments = (
        builder.load(cgutils.gep_inbounds(builder, job, 0, index)) for index in (_COUNT, _STEP, _KERNEL, _ARGS)
    )
    signature = (types.intp, types.intp, *args)
    kernel = builder.inttoptr(address, context.call_conv.get_function_type(types.none, signature).as_pointer())
    take, do, done = (function.append_basic_block(name) for name in ("take", "do", "done"))
    builder.branch(take)
    builder.position_at_end(take)
    first = builder.atomic_rmw("add", cgutils.gep_inbounds(builder, job, 0, _NEXT), step, "seq_cst")
    builder.cbranch(builder.icmp_signed("<", first, count), do, done)
    builder.position_at_end(do)
    end = builder.add(first, step)
    last = builder.select(builder.icmp_signed("<", end, count), end, count)
    values = [first, last, *cgutils.unpack_tuple(builder, arguments)]
    status, _ = context.call_conv.call_function(builder, kernel, types.none, signature, values)
    with builder.if_then(status.is_error, likely=False):
        builder.store(_NUMBER(1), cgutils.gep_inbounds(builder, job, 0, _FAILED))
    builder.branch(take)
    builder.position_at_end(done)
    builder.ret_void()
    return function


@intrinsic
def _do_pieces(typing: Any, job: Any) -> Any:
    """Do pieces of a job, of whichever kernel, until none is left."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [_NUMBER])
        entry = builder.load(builder.inttoptr(values[0], function.as_pointer().as_pointer()))
        builder.call(entry, [values[0]])
        return context.get_dummy_value()

    return types.void(types.int64), code


@intrinsic
def _failed(typing: Any, job: Any) -> Any:
    """Whether a piece of a job ended with an error."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        numbers = builder.inttoptr(values[0], _NUMBER.as_pointer())
        return builder.load_atomic(builder.gep(numbers, [_NUMBER(_FAILED)]), "seq_cst", 8)

    return types.int64(types.int64), code


@jit
def share(pool: Array, kernel: int, count: int, step: int, args: tuple[Any, ...]) -> int:
    """Call the kernel at this address so that all rows are done once, ``step`` at a time, by whoever has time.

    Returns
    -------
    int
        Not 0 if the kernel raised an error: it had no memory.
    """
    job = _new_job(kernel, count, step, args)
    mine = _exchange(pool, TAKEN, 1) == 0
    if mine:
        _exchange(pool, JOB, job)
    _do_pieces(job)
    if mine:
        # From here on nobody comes in; who is in has counted himself before he looked. So the job may end after this.
        _exchange(pool, JOB, 0)
        while _load(pool, HELPERS) > 0:
            _pause()
        _exchange(pool, TAKEN, 0)
    return _failed(job)


@jit
def serve(pool: Array, patience: int) -> None:
    """Help with one job after the other, and return when there was none for so many looks."""
    looks = 0
    while looks < patience:
        if _load(pool, JOB) == 0:
            looks += 1
            _pause()
            continue
        _add(pool, HELPERS, 1)
        job = _load(pool, JOB)
        if job != 0:
            _do_pieces(job)
        _add(pool, HELPERS, -1)
        while job != 0 and _load(pool, JOB) == job:
            _pause()
        looks = 0
