"""Two checks of every node, while they are asked for: NaN and infinity, and data that changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase
from minigrad.engine.errors import DataChangedError, describe
from minigrad.engine.source import user_line
from minigrad.engine.watch import Watcher, watchers
from minigrad.engine.writes import kept


class AnomalyError(RuntimeError):
    """A NaN or an infinity appeared under ``detect_anomaly``."""


class _Check(Watcher):
    def __init__(self, enabled: bool = True) -> None:
        super().__init__()
        self._enabled = enabled

    def start(self) -> None:
        """Begin to watch, if it is enabled."""
        added = (self,) if self._enabled else ()
        self._set((*watchers.get(), *added))


class detect_anomaly(_Check):
    """Stop at the first node, forward or backward, that makes a NaN or an infinity.

    Raises
    ------
    AnomalyError
        Naming the node, the shapes and the user's line that made it.

    Examples
    --------
    >>> import minigrad as mg
    >>> with mg.detect_anomaly():
    ...     mg.log(mg.tensor([-1.0]))
    Traceback (most recent call last):
    ...
    minigrad.checks.AnomalyError: forward of Log((1,)) made 1 NaN (of 1 values)...
    """

    def after_forward(self, node: Any, arrays: list[Any], y: Any) -> None:
        """Raise if an output is not finite and every input was."""
        if any(_trouble(x) for x in arrays):
            return  # a mask of -inf, say, that the user put there: not this node's doing
        for part in y if type(y) is tuple else (y,):
            trouble = _trouble(part)
            if trouble:
                shapes = ", ".join(describe(x) for x in arrays)
                raise AnomalyError(f"forward of {type(node).__name__}({shapes}) made {trouble}\n  at {user_line()}")

    def after_backward(self, node: Any, grads: list[Any], grad_inputs: tuple[Any, ...]) -> None:
        """Raise if a gradient is not finite."""
        for position, gradient in enumerate(grad_inputs):
            trouble = _trouble(gradient)
            if trouble:
                shapes = ", ".join(describe(g) for g in grads)
                raise AnomalyError(
                    f"backward of {node!r} made {trouble} in the gradient of input {position}, "
                    f"from output gradients of shape {shapes}\n  the node was made at {node.source}"
                )


def _trouble(x: Any) -> str:
    """Say how many NaNs and infinities are in ``x``; empty where there are none."""
    array = x.array if isinstance(x, TensorBase) else x
    if not isinstance(array, (np.ndarray, np.floating)) or array.dtype.kind not in "fc":
        return ""
    if np.isfinite(array).all():
        return ""
    nans, infinities = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    counts = [f"{n} {what}" for n, what in ((nans, "NaN"), (infinities, "Inf")) if n]
    return f"{' and '.join(counts)} (of {array.size} values)"


class detect_changes(_Check):
    """Debug mode: notice data that was changed in place between forward and backward.

    Every array that a node was applied to, or keeps, is copied in forward and compared in backward;
    so this costs memory and time, and is for finding a mistake.

    Raises
    ------
    DataChangedError
        Naming the line that made the node, and the line that ran backward.
    """

    def after_forward(self, node: Any, arrays: list[Any], y: Any) -> None:
        """Copy what the node keeps."""
        if getattr(node, "edges", ()):
            node.__dict__["_snapshot"] = [(name, v, v.copy()) for name, v in list(kept(node))]

    def before_backward(self, node: Any, grads: list[Any]) -> None:
        """Compare it."""
        for name, now, then in vars(node).get("_snapshot", ()):
            if not np.array_equal(now, then, equal_nan=now.dtype.kind in "fc"):
                raise DataChangedError(_changed(node, name, now, then))


def _changed(node: Any, name: str, now: Array, then: Array) -> str:
    count = int((now != then).sum())
    return (
        f"data changed between forward and backward: {count} of the {now.size} values that {node!r} keeps "
        f"as {name!r} are no longer what they were.\n  forward ran at {node.source}\n  backward ran at "
        f"{user_line()}\nBetween these two lines, change a copy, or change the data after backward"
    )
