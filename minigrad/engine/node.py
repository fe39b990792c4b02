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
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray

from minigrad.engine import base, views, writes
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import forward_error
from minigrad.engine.mode import grad_enabled
from minigrad.engine.running import running
from minigrad.engine.source import Place, SourceLine, source_line, user_place
from minigrad.engine.watch import watchers

# Under names of this file's own: to call a method of an imported name, Python 3.11 makes a method object first.
_grad_enabled, _watchers, _next_index = grad_enabled, watchers, writes.next_index
_new = object.__new__
# The usual floats: to find a dtype here is faster than to ask for its kind, as ``_wrap`` does for all others.
_FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


class Node:
    """One application of an operation.

    Attributes
    ----------
    inputs
        What the operation was applied to, in order: tensors, and constants as they were given.
    edges
        For each input, where its gradient goes: the node that made it and which output of that node it is, or
        ``(None, 0)`` for a leaf; None where no gradient is wanted. This is what made the input *when the node was
        applied*: a tensor that is written in place later has another node.
    wants
        For each input, whether a gradient is wanted for it.
    out_shapes
        The shape of every output.
    index
        Nodes are numbered as they are made, so a node's inputs always have smaller numbers.
    module
        The path of the module that was running (``stage2.block1.conv1``), or ``""``.
    grads
        What the last pass brought to the outputs; it is the ``.grad`` of the tensors that this node made.
    hooks
        For an output's number, the hooks on its gradient; or None.
    """

    #: The names of forward's parameters, which are the names of the inputs.
    input_names: ClassVar[tuple[str, ...]] = ()
    #: The names of the constructor's parameters, under which the node keeps them; see `again`.
    settings: ClassVar[tuple[str, ...]] = ()
    #: For each input, the kept values that its gradient reads; what no entry names is read by all.
    reads: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: Whether the outputs are values of their own on one array, which a write to one of them has to leave alone.
    shares_array: ClassVar[bool] = False
    #: Whether the output may be a view, on the memory of the input.
    makes_view: ClassVar[bool] = False
    #: Where an operation has a skip inside (an LSTM's cell state): the input and the output that it joins, and whether
    #: that input reaches that output in another way as well. Such a node has a ``skip_backward``.
    skip_ways: ClassVar[dict[tuple[int, int], bool]] = {}

    # What the engine notes about a node stands in slots; so ``vars(node)`` shows what its own rules keep.
    __slots__ = (
        *("__dict__", "__weakref__", "_place", "edges", "grads", "hooks"),
        *("index", "inputs", "module", "out_shapes", "wants"),
    )

    inputs: tuple[Any, ...]
    edges: tuple[tuple[Node | None, int] | None, ...]
    wants: tuple[bool, ...]
    out_shapes: tuple[tuple[int, ...], ...]
    index: int
    module: str
    grads: Sequence[Any] | None
    hooks: dict[int, dict[int, Any]] | None
    _place: Place | None

    def __init_subclass__(cls) -> None:
        parameters = inspect.signature(cls.forward).parameters.values()
        cls.input_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)[1:]
        cls.settings = tuple(inspect.signature(cls.__init__).parameters)[1:]

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
        # Every operation comes through here, so it is written for speed: calls with a star are slow.
        arrays: list[Any] = []
        wants = []
        edges: list[Any] = []
        on_tensors = False
        for x in inputs:
            if isinstance(x, TensorBase):
                on_tensors = True
                arrays.append(x.array)
                wanted = x.requires_grad
                wants.append(wanted)
                edges.append((x.node, x.slot) if wanted else None)
            else:
                arrays.append(x)
                wants.append(False)
                edges.append(None)
        linked = True in wants and _grad_enabled.get()
        if linked:
            self.inputs = inputs
            self.edges = tuple(edges)
            self.wants = tuple(wants)
            self.index = _next_index()
            self.module, place, sealed = running.module.now
            self._place = place if sealed else user_place(3)
            self.grads = self.hooks = None
        try:
            if not (linked or on_tensors):
                return self.forward(*arrays)
            if len(arrays) == 1:
                y = self.forward(arrays[0])
            else:
                y = self.forward(*arrays)
        except Exception as error:
            told = forward_error(self, inputs, error)
            if told is error:
                raise
            raise told from error
        watching = _watchers.get()
        if watching:
            for watcher in watching:
                watcher.after_forward(self, arrays, y)
        if linked and type(y) is ndarray and y.dtype in _FLOATS:  # the usual output
            tensor = _new(base.tensor_class)
            tensor.array, tensor.requires_grad, tensor.node, tensor.slot, tensor._grad = y, True, self, 0, None
            self.out_shapes = (y.shape,)
            if y.base is not None and self.makes_view:
                views.remember(tensor, inputs[0], self)
            return tensor
        if isinstance(y, np.generic):  # NumPy gives a scalar and no array where the result has no dimensions
            self.__dict__.update({k: np.asarray(v) for k, v in vars(self).items() if isinstance(v, np.generic)})
        single = type(y) is not tuple
        tensors: list[TensorBase] = []
        shapes: list[tuple[int, ...]] = []
        for part in (y,) if single else y:
            tensors.append(self._wrap(part, len(shapes), linked))
            shapes.append(part.shape)
        if linked:
            self.out_shapes = tuple(shapes)
        if self.makes_view:
            for tensor in tensors:
                views.remember(tensor, inputs[0], self if single else None)
        return tensors[0] if single else tuple(tensors)

    def _wrap(self, array: Any, slot: int, linked: bool) -> TensorBase:
        """Make an output a tensor, and link it to this node."""
        tensor = _new(base.tensor_class)
        if type(array) is not ndarray:
            array = np.asarray(array)
        tensor.array = array
        tensor.requires_grad = linked = linked and array.dtype.kind == "f"
        tensor.node = self if linked else None
        tensor.slot = slot
        tensor._grad = None
        return tensor

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

    def again(self) -> Node:
        """The same operation, not yet applied."""
        return type(self)(*(getattr(self, name) for name in self.settings))

    def put(self, whole: Any, value: Any) -> None:
        """Write a value into that part of an array which this operation cuts out of it."""
        self.forward(whole)[...] = value

    def as_tensors(self) -> Node:
        """A twin whose kept inputs and output are tensors, for rules that are to build a graph."""
        twin = copy.copy(self)
        kept = vars(twin)
        # A leaf stays itself, because that is where its gradient goes; and so does what no one has written since.
        for name, x, edge in zip(self.input_names, self.inputs, self.edges, strict=False):
            if name in kept and isinstance(x, TensorBase):
                unwritten = kept[name] is x.array and (edge is None or edge == (x.node, x.slot))
                kept[name] = x if unwritten or edge == (None, 0) else _value(kept[name], edge)
        if isinstance(kept.get("y"), (ndarray, np.generic)):
            kept["y"] = _value(kept["y"], (self, 0))
        return twin

    def release(self) -> None:
        """Let go of the inputs and of all that backward kept, so that memory is freed as a pass goes."""
        self.__dict__.clear()
        self.inputs = self.edges = ()

    def __repr__(self) -> str:
        if not hasattr(self, "out_shapes"):
            return f"<{type(self).__name__} outside the graph>"
        ins = ", ".join(str(x.array.shape) if isinstance(x, TensorBase) else repr(x) for x in self.inputs)
        shapes = self.out_shapes
        if len(shapes) > 1 and len(dict.fromkeys(shapes)) == 1:
            outs = f"{len(shapes)} x {shapes[0]}"
        else:
            outs = ", ".join(str(shape) for shape in shapes)
        module = f" {self.module!r}" if self.module else ""
        return f"<{self.name}{module} {ins or 'released'} -> {outs}>"


def _value(array: Any, edge: tuple[Node | None, int] | None) -> TensorBase:
    """The value that a node made, as a tensor: of a tensor that was written since, the one before."""
    tensor = base.as_tensor(array, requires_grad=edge is not None)
    if edge is not None:
        tensor.node, tensor.slot = edge
    return tensor
