"""What becomes of a complete gradient: hooks see it, and it goes into ``.grad``, or to who asked for it.

A leaf has no number and no turn. Its ``.grad`` simply grows with what each consumer sends, as long as nobody
looks. Where someone does, a hook or a watcher, its uses are counted first, and they see the whole sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from sys import getrefcount
from typing import Any, Protocol

import numpy as np
from numpy import ndarray

from minigrad.engine import writes
from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.reachable import uses_of_leaves
from minigrad.engine.watch import Watcher, watchers


class Receiver(Protocol):
    """What a pass hands its complete gradients to, where they don't go into ``.grad``."""

    def leaf(self, leaf: TensorBase, gradient: Any, alone: bool) -> None:
        """A gradient of a leaf, whole or one consumer's part; ``alone`` says that nobody else holds the array."""

    def interior(self, node: Node, grads: Sequence[Any]) -> None:
        """The gradients of a node's outputs; None for an output that none reached."""


def accumulate(leaf: TensorBase, gradient: Any, alone: bool = False) -> None:
    """Put a gradient into ``leaf.grad``, which grows from consumer to consumer and from pass to pass."""
    if leaf._grad is None:
        taken = alone and type(gradient) is ndarray and gradient.base is None and gradient.flags.writeable
        # Else a copy, because a rule may have handed the same array to another leaf.
        leaf._grad = gradient if taken or isinstance(gradient, TensorBase) else np.array(gradient)
    elif isinstance(gradient, TensorBase):
        leaf._grad = leaf._grad + gradient
    elif isinstance(leaf._grad, TensorBase):
        if leaf._grad.requires_grad:  # it is a value of a graph, which needs it as it is
            leaf._grad = leaf._grad.array + gradient
        else:  # someone has looked at it, and sees it grow
            leaf._grad.array += gradient
            writes.note(leaf._grad.array)
    elif grad_is_shared(leaf):
        leaf._grad = leaf._grad + gradient
    else:
        leaf._grad += gradient


def _references(tensor: TensorBase) -> int:
    return getrefcount(tensor._grad)


def _references_when_alone() -> int:
    """What ``_references`` gives for a gradient that nobody else holds."""
    tensor = TensorBase()
    tensor._grad = np.empty(1)
    return _references(tensor)


_ALONE = _references_when_alone()


def grad_is_shared(tensor: TensorBase, others: int = 0) -> bool:
    """Whether someone else holds the array of this gradient, a step that was kept, say; ``others`` hold it too."""
    return _references(tensor) > _ALONE + others


def after_hooks(hooks: dict[int, Any], gradient: Any, of: Any) -> Any:
    """A gradient as hooks leave it; one that retains it comes last, as in PyTorch.

    Raises
    ------
    OperationError
        If a hook returns what can't be this gradient: another shape, or no floats.
    """
    for hook in sorted(hooks.values(), key=lambda hook: isinstance(hook, Retain)):
        changed = hook(gradient if isinstance(gradient, TensorBase) else as_tensor(gradient))
        if changed is None:
            continue
        array = array_of(changed)
        if array.shape != gradient.shape or array.dtype.kind != "f":
            name = getattr(hook, "__qualname__", repr(hook))
            raise OperationError(
                f"the hook {name} on {of!r} returned {array.dtype} of shape {array.shape} for a gradient of shape "
                f"{gradient.shape}: return a gradient of that shape, or None to leave it as it is"
            )
        if not isinstance(gradient, TensorBase):
            gradient = array if array.dtype == gradient.dtype else array.astype(gradient.dtype)
        else:
            gradient = changed if isinstance(changed, TensorBase) else as_tensor(array)
    return gradient


class Retain:
    """The hook that ``retain_grad()`` sets: the tensor's own ``.grad`` grows from pass to pass."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __call__(self, gradient: TensorBase) -> None:
        """Let it grow."""
        tensor = self.tensor()  # a weak reference: the hook doesn't keep the tensor alive
        if tensor is not None:
            accumulate(tensor, gradient if gradient.requires_grad else gradient.array)


class Way(dict[int, tuple[Node, list[Any]]]):
    """The gradients on their way: for the number of each node that one has reached, it and those of its outputs so far.

    Attributes
    ----------
    awaited
        How often each leaf is still to be used; None as long as nobody listens to one.
    sums
        The gradients of leaves that wait for more.
    """

    awaited: Counter[TensorBase] | None = None
    sums: dict[TensorBase, Any]


def receive(
    leaf: TensorBase, gradient: Any, alone: bool, edges: Any, inputs: Any, way: Way, receiver: Receiver | None
) -> None:
    """Take what one use of a leaf sends, None for nothing; ``edges``, ``inputs`` are those of the node that sends."""
    if leaf._hooks is None and not (watchers.get() and listening()):
        if gradient is not None:
            put(leaf, gradient, alone, receiver)
        return
    if way.awaited is None:
        way.awaited, way.sums = uses_of_leaves(edges, inputs, (node for node, _ in way.values())), {}
    way.awaited[leaf] -= 1
    if gradient is not None:
        way.sums[leaf] = way.sums[leaf] + gradient if leaf in way.sums else gradient
    if way.awaited[leaf] == 0 and leaf in way.sums:
        complete(leaf, way.sums.pop(leaf), receiver)


def put(leaf: TensorBase, gradient: Any, alone: bool, receiver: Receiver | None) -> None:
    """Hand a leaf's gradient over."""
    if receiver is None:
        accumulate(leaf, gradient, alone)
    else:
        receiver.leaf(leaf, gradient, alone)


def complete(leaf: TensorBase, gradient: Any, receiver: Receiver | None) -> None:
    """Tell all who listen to a leaf of its gradient."""
    if leaf._hooks:
        gradient = after_hooks(leaf._hooks, gradient, leaf)
    put(leaf, gradient, False, receiver)
    for hook in list((leaf._post_hooks or {}).values()):
        hook(leaf)
    for watcher in listening():
        watcher.leaf(leaf, gradient)


def finish_leaves(way: Way, receiver: Receiver | None) -> None:
    """Nothing comes any more: what waits is complete."""
    while way.awaited is not None and way.sums:
        leaf = next(iter(way.sums))
        complete(leaf, way.sums.pop(leaf), receiver)


def listening() -> list[Watcher]:
    """The watchers that wait for leaves."""
    return [watcher for watcher in watchers.get() if type(watcher).leaf is not Watcher.leaf]
