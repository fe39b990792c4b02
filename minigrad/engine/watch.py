"""Watching: objects that are told of every node, forward and backward.

This is the engine's one seam: traces, steppers, what-ifs and checks are watchers. Entering a watcher as a
``with`` block adds it to this thread's and task's list. Where the list is empty, the engine pays for an empty loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Any, TypeVar

from minigrad.engine.base import TensorBase

Self = TypeVar("Self", bound="Watcher")

watchers: ContextVar[tuple[Any, ...]] = ContextVar("watchers", default=())


class Watcher:
    """What the engine tells of every node; a subclass says what it does there."""

    #: Whether other watchers are silent meanwhile.
    alone = False

    def __init__(self) -> None:
        self._watching: list[Token[tuple[Any, ...]]] = []

    def start(self) -> None:
        """Begin to watch, in this thread and task."""
        self._set((self,) if self.alone else (*watchers.get(), self))

    def _set(self, these: tuple[Any, ...]) -> None:
        before = watchers.get()
        try:
            self._watching.append(watchers.set(these))
        except BaseException:  # Ctrl-C, just here: a block that isn't entered is never left
            watchers.set(before)
            raise

    def stop(self) -> None:
        """End it, if it has begun."""
        if self._watching:
            watchers.reset(self._watching[-1])
            self._watching.pop()

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def after_forward(self, node: Any, arrays: list[Any], y: Any) -> None:
        """A node was applied to these arrays, and gave ``y``."""

    def take_over(self, *asked: Any) -> Iterator[Any] | None:
        """A pass begins, with these arguments of ``walk.visit``; what is returned here gives its turns instead."""

    def before_backward(self, node: Any, grads: list[Any]) -> None:
        """A node's rule is about to run on these gradients of its outputs."""

    def after_backward(self, node: Any, grads: list[Any], grad_inputs: tuple[Any, ...]) -> None:
        """A node's rule gave these gradients of its inputs."""

    def leaf(self, leaf: TensorBase, gradient: Any) -> None:
        """The gradient that a pass brings to a leaf is complete, and was handed over."""
