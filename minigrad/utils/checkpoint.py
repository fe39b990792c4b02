"""Checkpointing: keep nothing of a part of the net in forward, and compute it again in backward.

It trades time for memory: what the part's nodes would keep until their turn in backward is made anew when that turn
comes (Chen et al., 2016). The gradient is the same, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.gradients import grad
from minigrad.engine.mode import enable_grad, is_grad_enabled
from minigrad.engine.node import Node
from minigrad.ops.common import Clone
from minigrad.random import default_generator
from minigrad.tensors.creation import zeros_like
from minigrad.tensors.tensor import Tensor, from_array


class Checkpoint(Node):
    """A function applied as one node. Backward: run it again, with its graph, and go back through that.

    The leaves that the function reads by itself (a module's parameters) are inputs of the node too, so their
    gradients come out of it like everyone's.
    """

    def __init__(self, run: Callable[..., Any], outputs: Any, count: int, random_state: dict[str, Any] | None) -> None:
        self.run, self.outputs, self.count, self.random_state = run, outputs, count, random_state

    def forward(self, *arrays: Any) -> Any:
        """Give what the function gave."""
        outputs, self.outputs = self.outputs, None  # they were made when the leaves were looked for
        return outputs

    def backward(self, *grads: Any) -> Any:
        """Run the function again, and go back through it; for a second derivative that too is checkpointed."""
        own = self.inputs[: self.count]
        on_tensors = any(isinstance(g, TensorBase) for g in grads)
        if on_tensors:
            given = (g if isinstance(g, TensorBase) else as_tensor(g) for g in grads)
            found = iter(checkpoint(self._gradients, *given, *own, preserve_rng_state=False))
        else:
            with enable_grad():
                found = iter(self._gradients(*map(from_array, grads), *_stand_ins(own), graph=False))
        gradients = (next(found) if wants else None for wants in self.wants)
        return tuple(g if g is None or on_tensors else g.array for g in gradients)

    def _gradients(self, *tensors: Tensor, graph: bool = True) -> tuple[Tensor, ...]:
        """From the gradients of the outputs, and then the arguments: one gradient for each input that wants one."""
        arguments = tensors[-self.count :] if self.count else ()
        grads = tensors[: len(tensors) - self.count]
        generator = default_generator()
        now = generator.get_state()
        try:
            if self.random_state is not None:
                generator.set_state(self.random_state)  # so that dropout drops what it dropped in forward
            outputs = _as_tuple(self.run(*arguments))
        finally:
            if self.random_state is not None:
                generator.set_state(now)
        sources = (*arguments, *self.inputs[self.count :])
        wanted = [x for x, wants in zip(sources, self.wants, strict=True) if wants]
        made = [(y, g) for y, g in zip(outputs, grads, strict=True) if y.requires_grad]
        outputs, grads = zip(*made, strict=True)
        found = grad(outputs, wanted, grads, create_graph=graph, allow_unused=True)
        return tuple(zeros_like(x) if g is None else g for x, g in zip(wanted, found, strict=True))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Apply ``function`` to ``args``, keeping nothing of what it computes; backward computes it again.

    Parameters
    ----------
    function
        A module, or any function of tensors that gives a tensor or a tuple of them. It must do the same when it
        runs again. What it changes besides (running statistics) changes twice.
    *args, **kwargs
        What it is applied to. A tensor that has a history must be passed by position.
    use_reentrant
        Accepted for PyTorch's sake; there is one way of doing it here, and ``grad`` works with it.
    preserve_rng_state
        Let the second run draw the random numbers of the first.

    Returns
    -------
    Tensor or tuple of Tensor
        What the function gives.

    Raises
    ------
    OperationError
        If the function reads a tensor with a history that isn't among its arguments.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.checkpoint import checkpoint
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda t: (t * t).tanh(), x).sum().backward()
    >>> type(checkpoint(lambda t: t * t, x).node).__name__
    'Checkpoint'
    """
    arguments.function("checkpoint", "function", function)
    if not is_grad_enabled():
        return function(*args, **kwargs)
    keep = arguments.flag("checkpoint", "preserve_rng_state", preserve_rng_state)
    state = default_generator().get_state() if keep else None
    places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
    tensors = [args[i] for i in places]

    def run(*given: Any) -> Any:
        filled = list(args)
        for place, x in zip(places, given, strict=True):
            filled[place] = x
        return function(*filled, **kwargs)

    started = _newest_index()
    stand_ins = _stand_ins(tensors)
    y = run(*stand_ins)
    outputs = _as_tuple(y)
    leaves = [x for x in _leaves(outputs, started) if not any(x is own for own in stand_ins)]
    arrays = tuple(out.array for out in outputs)
    node = Checkpoint(run, arrays[0] if isinstance(y, Tensor) else arrays, len(tensors), state)
    return node.apply_to(*tensors, *leaves)


def _stand_ins(tensors: Iterable[Any]) -> list[Tensor]:
    """Leaves on the same memory, of which the graph inside begins."""
    return [from_array(x.array, x.requires_grad) for x in tensors]


def _as_tuple(y: Any) -> tuple[Tensor, ...]:
    outputs = y if isinstance(y, tuple) else (y,)
    for out in outputs:
        if not isinstance(out, Tensor):
            raise TypeError(
                f"checkpoint: the function must give a tensor or a tuple of tensors, not {type(out).__name__}"
            )
    return outputs


def _newest_index() -> int:
    """The number of the newest node: of one that is made here."""
    node = Clone()
    node.apply_to(from_array(np.zeros(()), True))
    return node.index


def _leaves(outputs: Iterable[Tensor], started: int) -> Iterator[Tensor]:
    """The leaves that want a gradient, of the graph that was made since node number ``started``."""
    waiting = list(outputs)
    seen: dict[int, None] = {}
    while waiting:
        tensor = waiting.pop()
        node = tensor.node
        if not tensor.requires_grad or id(tensor if node is None else node) in seen:
            continue
        seen[id(tensor if node is None else node)] = None
        if node is None:
            yield tensor
        elif node.index <= started:
            raise OperationError(
                f"checkpoint: the function reads a tensor of shape {tensor.array.shape} that {node.name} made before: "
                "pass it as an argument, checkpoint(function, x, that_tensor)"
            )
        else:
            waiting.extend(x for x in node.inputs if isinstance(x, Tensor))
