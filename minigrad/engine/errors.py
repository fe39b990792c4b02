"""Errors that teach: what failed, on which shapes, on which line of yours, and what helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.source import SourceLine, user_line


class OperationError(RuntimeError, ValueError):
    """An operation can't be applied to what it was given.

    PyTorch raises ``RuntimeError`` and NumPy ``ValueError`` in such cases; this one is both.
    """


class DataChangedError(RuntimeError):
    """An array that backward needs was changed after forward."""


def describe(x: Any) -> str:
    """The shape of an array or tensor, or the value of a constant."""
    shape = getattr(x, "shape", None)
    return repr(x) if shape is None else str(tuple(shape))


def located(message: str, line: SourceLine | None) -> str:
    """Put the user's line below a message."""
    return message if line is None else f"{message}\n  at {line}"


#: What a node may be applied to; though an array of strings or objects holds no numbers.
_NUMBERS = (TensorBase, np.ndarray, np.generic, int, float, complex)


def forward_error(node: Any, inputs: tuple[Any, ...], error: Exception) -> Exception:
    """Say which node could not be applied to which shapes, and on which line."""
    operation = type(node).__name__
    for name, x in zip(node.input_names, inputs, strict=False):
        blamed = isinstance(error, AttributeError) and f"'{type(x).__name__}' object" in str(error)
        if blamed or not (x is None or (isinstance(x, _NUMBERS) and np.can_cast(getattr(x, "dtype", bool), complex))):
            return TypeError(located(f"{operation}: {name} must be a tensor, and is {describe(x)}", user_line()))
    shapes = ", ".join(describe(x) for x in inputs)
    return _of_kind(error, located(f"{operation}({shapes}): {error}", user_line()))


def backward_error(node: Any, error: Exception) -> Exception:
    """Say in which node's rule an error was raised, and which line made the node."""
    return _of_kind(error, located(f"in the backward of {node!r}: {error}", node.source))


def freed_error(node: Any) -> OperationError:
    """The error for a pass that comes to a node which an earlier one has gone through."""
    return OperationError(
        f"the graph of this value was freed by an earlier backward(), at {node.name}. To go through a graph twice, "
        f"pass retain_graph=True to the first backward(); to go on training, run forward again\n  at {node.source}"
    )


def _of_kind(error: Exception, message: str) -> Exception:
    """The error with a message that teaches; errors of other kinds (a debugger's quit) stay as they are."""
    if type(error).__module__.partition(".")[0] in ("builtins", "numpy"):  # (NumPy's own are kinds of these)
        for kind in (MemoryError, NotImplementedError, IndexError, TypeError):
            if isinstance(error, kind):
                return kind(message)
        if isinstance(error, (ValueError, OverflowError, RuntimeError)):
            return OperationError(message)
    return error
