"""A ``with`` block during which an object sees every node, forward and backward; the engine's own seam."""

from __future__ import annotations

from contextvars import Token
from typing import Any

from minigrad.engine.mode import checks
from minigrad.engine.node import Node


class Watcher:
    """What the engine calls around every node; subclasses say what they do there.

    Unlike a step of `backward_steps`, it is called wherever the user's own code runs a pass.
    """

    #: Whether other watchers are silent meanwhile.
    alone = False

    def __init__(self) -> None:
        self._watching: list[Token[tuple[Any, ...]]] = []

    def start(self) -> None:
        """Begin to watch, in this thread and task."""
        self._watching.append(checks.set((self,) if self.alone else (*checks.get(), self)))

    def stop(self) -> None:
        """End it."""
        checks.reset(self._watching.pop())

    def after_forward(self, node: Node, arrays: list[Any], y: Any) -> None:
        """Called with the input arrays and the output of a node that was just applied."""

    def before_backward(self, node: Node) -> None:
        """Called before a node's rule."""

    def after_backward(self, node: Node, grads: tuple[Any, ...], grad_inputs: tuple[Any, ...]) -> None:
        """Called with what reached a node and what its rule gave."""
