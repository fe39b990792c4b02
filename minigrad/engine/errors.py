"""Errors that teach: what failed, on which shapes, on which line of yours, and what helps."""

from __future__ import annotations

from typing import Any

from minigrad.engine.source import SourceLine, user_line


class OperationError(RuntimeError, ValueError):
    """An operation can't be applied to what it was given.

    PyTorch raises ``RuntimeError`` and NumPy ``ValueError`` in such cases; this one is both.
    """


class AnomalyError(RuntimeError):
    """A NaN or an infinity appeared under ``detect_anomaly``."""


class DataChangedError(RuntimeError):
    """An array that backward needs was changed after forward."""


def describe(x: Any) -> str:
    """The shape of an array or tensor, or the value of a constant."""
    shape = getattr(x, "shape", None)
    return repr(x) if shape is None else str(tuple(shape))


def located(message: str, line: SourceLine | None) -> str:
    """Put the user's line below a message."""
    return message if line is None else f"{message}\n  at {line}"


def forward_error(node: Any, inputs: tuple[Any, ...], error: Exception) -> Exception:
    """Say which node could not be applied to which shapes, and on which line."""
    shapes = ", ".join(describe(x) for x in inputs)
    message = located(f"{type(node).__name__}({shapes}): {error}", user_line())
    return _of_kind(error, message)


def backward_error(node: Any, error: Exception) -> Exception:
    """Say in which node's rule an error was raised, and which line made the node."""
    message = located(f"in the backward of {node!r}: {error}", node.source)
    return _of_kind(error, message)


def freed_error(node: Any) -> OperationError:
    """The error for a pass that comes to a node which an earlier one has gone through."""
    return OperationError(located(_FREED.format(node.name), node.source))


_FREED = (
    "the graph of this value was freed by an earlier backward(), at {}. To go through a graph "
    "twice, pass retain_graph=True to the first backward(); to go on training, run forward again"
)


def _of_kind(error: Exception, message: str) -> Exception:
    """The error with a message that teaches; errors of other kinds (a debugger's quit) stay as they are."""
    if type(error) in (IndexError, TypeError, MemoryError, NotImplementedError):
        return type(error)(message)
    if type(error) in (ValueError, RuntimeError):
        return OperationError(message)
    return error
