"""A node: one application of an operation, and the place where its two rules can be read.

A subclass writes ``forward`` on arrays and ``backward`` on gradients. What backward needs, forward
keeps in attributes with names: an input under the very name it has in forward's signature, the
output as ``y``, anything else under a name of its own.

Rules are written once, for arrays and for tensors. In an ordinary pass a rule sees arrays, and runs
kernels. With ``create_graph=True`` it sees tensors: ``as_tensors`` hands the rule a twin of the node
in which the kept inputs and output *are* tensors, so that the same lines build a graph of the
gradient. Everything else a node keeps is a constant to that graph (a mask, an index, a shape); a
rule must not keep anything that depends smoothly on its inputs in such an attribute and multiply by it.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from itertools import count
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy import ndarray

from minigrad.engine import base
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import forward_error
from minigrad.engine.mode import checks, grad_enabled, running
from minigrad.engine.source import Place, SourceLine, source_line, user_place

T = TypeVar("T")

_next_index = count().__next__
# Names that aren't imported ones: of those, Python 3.11 makes a method object for each call of a method.
_grad_enabled, _checks = grad_enabled, checks
_new = object.__new__
# The usual floats, which are found faster than the kind of a dtype is asked for; ``_wrap`` knows all.
_FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


class Node:
    """One application of an operation.

    Attributes
    ----------
    inputs
        What the operation was applied to, in order: tensors, and constants as they were given.
    wants
        For each input, whether a gradient is wanted for it.
    index
        Nodes are numbered as they are made, so a node's inputs always have smaller numbers.
    module
        The path of the module that was running (``stage2.block1.conv1``), or ``""``.
    """

    #: The names of forward's parameters, which are the names of the inputs.
    input_names: ClassVar[tuple[str, ...]] = ()
    #: Where an operation has a skip inside (an LSTM's cell state): the input and the output that it joins, and whether
    #: that input reaches that output in another way as well. Such a node has a ``skip_backward``.
    skip_ways: ClassVar[dict[tuple[int, int], bool]] = {}

    # What the engine notes about a node stands in slots; so ``vars(node)`` shows what its own rules keep.
    __slots__ = ("__dict__", "__weakref__", "_out", "_place", "index", "inputs", "module", "wants")

    inputs: tuple[Any, ...]
    wants: tuple[bool, ...]
    #: The shape of the output; or a list of the shapes, where there are several outputs.
    _out: tuple[int, ...] | list[tuple[int, ...]]
    index: int
    module: str
    _place: Place | None

    def __init_subclass__(cls) -> None:
        parameters = inspect.signature(cls.forward).parameters.values()
        cls.input_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)[1:]

    def forward(self, *inputs: Any) -> Any:
        """Compute the output array, or a tuple of them, from the input arrays."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *grad_outputs: Any) -> Any:
        """Compute one gradient for each input (None where there is none) from those of the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def skip_backward(self, *grad_outputs: Any) -> Any:
        """The part of backward that goes over the skip alone: as backward, for a node with ``skip_ways``."""
        raise NotImplementedError(f"{type(self).__name__} has no skip inside")

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operation: to arrays, and no graph is built; to tensors, and this node joins the graph."""
        return self.apply_to(*inputs)

    def apply_to(self, *inputs: Any) -> Any:
        """The same, as the package's functions say it: the user's line is then that which called the function."""
        # Every operation comes through here, so it is written for speed: the usual node has one output.
        arrays = []
        wants = []
        on_tensors = False
        for x in inputs:
            if isinstance(x, TensorBase):
                on_tensors = True
                arrays.append(x.array)
                wants.append(x.requires_grad)
            else:
                arrays.append(x)
                wants.append(False)
        linked = True in wants and _grad_enabled.get()
        if linked:
            self.inputs = inputs
            self.wants = tuple(wants)
            self.index = _next_index()
            self.module, place, sealed = running.module.now
            self._place = place if sealed else user_place(3)
        elif not on_tensors:
            return self.forward(*arrays)
        count = len(arrays)
        try:
            if count == 1:
                y = self.forward(arrays[0])
            elif count == 2:
                y = self.forward(arrays[0], arrays[1])
            elif count == 3:
                y = self.forward(arrays[0], arrays[1], arrays[2])
            else:
                y = self.forward(*arrays)
        except Exception as error:
            told = forward_error(self, inputs, error)
            if told is error:
                raise
            raise told from error
        watching = _checks.get()
        if watching:
            for check in watching:
                check.after_forward(self, arrays, y)
        if linked and type(y) is ndarray and y.dtype in _FLOATS:
            self._out = y.shape
            tensor = _new(base.tensor_class)
            tensor.array = y
            tensor.node = self
            tensor.requires_grad = True
            tensor.slot = 0
            tensor._grad = tensor._hooks = None
            return tensor
        if type(y) is not tuple:
            if linked:
                self._out = y.shape
            return self._wrap(y, 0, linked)
        shapes: list[tuple[int, ...]] = []
        tensors = []
        for part in y:
            tensors.append(self._wrap(part, len(shapes), linked))
            shapes.append(part.shape)
        if linked:
            self._out = shapes
        return tuple(tensors)

    def _wrap(self, array: Any, slot: int, linked: bool) -> TensorBase:
        """Make an output a tensor, and link it to this node."""
        tensor = _new(base.tensor_class)
        # NumPy gives a scalar and no array where the result has no dimensions.
        tensor.array = array if type(array) is ndarray else np.asarray(array)
        tensor.requires_grad = linked = linked and tensor.array.dtype.kind == "f"
        tensor.node = self if linked else None
        tensor.slot = slot
        tensor._grad = tensor._hooks = None
        return tensor

    @property
    def out_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of every output."""
        return tuple(self._out) if type(self._out) is list else (self._out,)  # type: ignore[return-value]

    @property
    def released(self) -> bool:
        """Whether a pass has gone through this node, and its inputs were let go."""
        return not self.inputs

    @property
    def source(self) -> SourceLine | None:
        """The user's line that made this node."""
        return source_line(self._place)

    @property
    def name(self) -> str:
        """The kind of node and its number, as in ``Linear#12``."""
        return f"{type(self).__name__}#{self.index}"

    def as_tensors(self) -> Node:
        """A twin whose kept inputs and output are tensors, for rules that are to build a graph."""
        twin = copy.copy(self)
        kept = vars(twin)
        for name, x in zip(self.input_names, self.inputs, strict=False):
            if name in kept and isinstance(x, TensorBase):
                kept[name] = x
        if isinstance(kept.get("y"), (ndarray, np.generic)):
            kept["y"] = self._wrap(kept["y"], 0, linked=True)
            kept["y"].node = self
        return twin

    def release(self) -> None:
        """Let go of the inputs and of all that backward kept, so that memory is freed as a pass goes."""
        self.__dict__.clear()
        self.inputs = ()

    def __repr__(self) -> str:
        if not hasattr(self, "_out"):
            return f"<{type(self).__name__} outside the graph>"
        ins = ", ".join(str(x.array.shape) if isinstance(x, TensorBase) else repr(x) for x in self.inputs)
        shapes = self.out_shapes
        if len(shapes) > 1 and len(dict.fromkeys(shapes)) == 1:
            outs = f"{len(shapes)} x {shapes[0]}"
        else:
            outs = ", ".join(str(shape) for shape in shapes)
        module = f" {self.module!r}" if self.module else ""
        return f"<{self.name}{module} {ins or 'released'} -> {outs}>"


def with_zeros(node: Node, grads: Sequence[Any]) -> list[Any]:
    """The gradients of a node's outputs; in the place of None, of an output that nothing used, zeros."""
    dtype = next(g.dtype for g in grads if g is not None)
    return [np.zeros(shape, dtype) if g is None else g for g, shape in zip(grads, node.out_shapes, strict=True)]
