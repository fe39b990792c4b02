"""How values of several ranks become one."""

from __future__ import annotations

from enum import Enum
from typing import Any

from minigrad.distributed.library import load_mpi


class ReduceOp(Enum):
    """What a reduction does with the values of all ranks, under PyTorch's names.

    ``AVG`` sums, and divides by the number of ranks.
    """

    SUM = "SUM"
    AVG = "AVG"
    PRODUCT = "PROD"
    MIN = "MIN"
    MAX = "MAX"
    BAND = "BAND"
    BOR = "BOR"
    BXOR = "BXOR"

    def for_mpi(self) -> Any:
        """The operation under MPI's name."""
        return getattr(load_mpi(), "SUM" if self is ReduceOp.AVG else self.value)


def check_op(what: str, op: Any, dtype: Any) -> None:
    """Raise an error for what is no operation, and for numbers that it doesn't know.

    Raises
    ------
    TypeError
        Then: for a mean of integers, bits of floats, sums of booleans.
    """
    if not isinstance(op, ReduceOp):
        raise TypeError(f"{what}: op must be a ReduceOp, such as ReduceOp.SUM, not {op!r}")
    bits = op.name in ("BAND", "BOR", "BXOR")
    if (op is ReduceOp.AVG and dtype.kind != "f") or (bits and dtype.kind == "f") or (dtype.kind == "b" and not bits):
        raise TypeError(f"{what}: ReduceOp.{op.name} is not defined for {dtype}: convert the tensor first")
