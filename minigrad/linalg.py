"""PyTorch's ``linalg``, as far as norms and products go; what needs a decomposition is left out (docs/missing.md)."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import tensor as _tensor
from minigrad.missing import lister as _lister
from minigrad.ops.common import Dims
from minigrad.ops.linalg import matmul
from minigrad.ops.products import cross, multi_dot
from minigrad.ops.rearrange import diagonal
from minigrad.ops.vector_norm import norm as _norm

__all__ = ["cross", "diagonal", "matmul", "multi_dot", "norm", "vector_norm"]
__dir__ = _lister(__name__)


def norm(A: Any, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The length of vectors; of matrices only the Frobenius norm.

    Raises
    ------
    NotImplementedError
        For a matrix norm that needs singular values, or sums of rows or columns.
    """
    matrix = (dim is None and _tensor("linalg.norm", "A", A).ndim == 2) or (
        isinstance(dim, (tuple, list)) and len(dim) == 2
    )
    if matrix and not (ord is None or (isinstance(ord, str) and ord == "fro")):
        raise NotImplementedError(f"linalg.norm: ord={ord!r} of matrices; there is the Frobenius norm, and vector_norm")
    return _norm(A, 2 if ord is None else ord, dim, keepdim, dtype)


def vector_norm(x: Any, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The p-norm over dimensions, or of all elements."""
    return _norm(x, ord, dim, keepdim, dtype)
