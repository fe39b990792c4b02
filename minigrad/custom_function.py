"""``autograd.Function``: an operation of one's own, in PyTorch's form. It becomes a node under the class's name.

minigrad's own form is `minigrad.Node`: ``forward`` and ``backward`` on arrays, what backward needs in attributes with
names. This is for files that are written for PyTorch: static methods, a context, tensors.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar, TypeVar, cast

from minigrad import arguments
from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad, set_grad_enabled
from minigrad.engine.node import Node

T = TypeVar("T")


class Context:
    """What ``forward`` leaves for ``backward``: saved tensors, and any attribute that it sets.

    Attributes
    ----------
    needs_input_grad
        For each input, whether a gradient is wanted for it.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs, outputs or other tensors (or None) for ``saved_tensors``."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, TensorBase):
                raise arguments.wrong_kind("save_for_backward", "each argument", "a tensor or None", tensor)
        self.saved_tensors = tensors

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """An older name of ``saved_tensors``."""
        return self.saved_tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient."""
        for tensor in tensors:
            if not isinstance(tensor, TensorBase):
                raise arguments.wrong_kind("mark_non_differentiable", "each argument", "a tensor", tensor)
        self.non_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Refuse: forward is to give a new tensor, and not to write into its input.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("mark_dirty: a Function of minigrad can't write into its inputs: return a new tensor")

    def set_materialize_grads(self, value: bool) -> None:
        """Accept: gradients that don't come are zeros here."""


class FunctionNode(Node):
    """The node of a `Function`. Backward: what the function's ``backward`` says."""

    function: ClassVar[type[Function]]

    def __init__(self, context: Context, are_tensors: tuple[bool, ...]) -> None:
        self.context, self.are_tensors = context, are_tensors

    def forward(self, *inputs: Any) -> Any:
        """Run the function's ``forward`` on tensors outside the graph."""
        given = [as_tensor(x) if is_tensor else x for x, is_tensor in zip(inputs, self.are_tensors, strict=True)]
        with no_grad():
            result = self.function.run_forward(self.context, given)
        outputs = result if isinstance(result, tuple) else (result,)
        for y in outputs:
            if not isinstance(y, TensorBase):
                raise arguments.wrong_kind(f"{type(self).__name__}.forward", "what it gives", "a tensor", y)
        saved = self.context.saved_tensors
        # What was saved: the arrays, where the engine sees if someone overwrites them, and what they are of this node.
        self.saved = tuple(None if x is None else x.array for x in saved)
        self.origins = tuple((_place(x, given), _place(x, outputs)) for x in saved)
        arrays = tuple(array_of(y) for y in outputs)
        return arrays if isinstance(result, tuple) else arrays[0]

    def backward(self, *grads: Any) -> Any:
        """Run the function's ``backward``."""
        on_tensors = any(isinstance(g, TensorBase) for g in grads)
        if not on_tensors:
            self.context.saved_tensors = tuple(None if x is None else as_tensor(x) for x in self.saved)
        with set_grad_enabled(on_tensors):
            result = self.function.backward(self.context, *(_tensor(g) for g in grads))
        found = result if isinstance(result, tuple) else (result,)
        count = len(self.are_tensors)
        if len(found) < count or any(g is not None for g in found[count:]):
            raise OperationError(
                f"{type(self).__name__}.backward returned {len(found)} gradients for {count} inputs: "
                "it must give one for each, None where there is none"
            )
        for g in found[:count]:
            if g is not None and not isinstance(g, TensorBase):
                raise arguments.wrong_kind(f"{type(self).__name__}.backward", "each gradient", "a tensor or None", g)
        return tuple(g if g is None or on_tensors else g.array for g in found[:count])

    def as_tensors(self) -> Node:
        """A twin whose saved tensors are those of the graph."""
        twin: Any = super().as_tensors()
        twin.context = copy.copy(self.context)
        twin.context.saved_tensors = tuple(map(self._in_the_graph, self.saved, self.origins))
        return twin

    def _in_the_graph(self, array: Any, origin: tuple[int | None, int | None]) -> Any:
        """The input or output of this node that was saved, with its history."""
        if array is None:
            return None
        place, slot = origin
        edge = (self, slot) if place is None and slot is not None else None if place is None else self.edges[place]
        if place is not None and edge == (None, 0):
            return self.inputs[place]  # a leaf
        tensor = as_tensor(array, requires_grad=edge is not None)
        if edge is not None:
            tensor.node, tensor.slot = cast(Any, edge)
        return tensor


def _place(x: Any, among: Any) -> int | None:
    return next((i for i, each in enumerate(among) if each is x), None)


def _tensor(g: Any) -> TensorBase:
    return g if isinstance(g, TensorBase) else as_tensor(g)


class Function:
    """An operation with static methods ``forward(ctx, ...)`` and ``backward(ctx, ...)``; ``apply`` applies it.

    Examples
    --------
    >>> import minigrad as mg
    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, gy):
    ...         (x,) = ctx.saved_tensors
    ...         return gy * 3 * x**2
    >>> x = mg.tensor([2.0], requires_grad=True)
    >>> y = Cube.apply(x)
    >>> y.backward()
    >>> type(y.node).__name__, x.grad.tolist()
    ('Cube', [12.0])
    """

    _node: ClassVar[type[FunctionNode]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        kept = {"__module__": cls.__module__, "__doc__": cls.__doc__, "function": cls}
        cls._node = type(cls.__name__, (FunctionNode,), kept)

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output, a tensor or a tuple of them; what backward needs goes into the context, ``args[0]``."""
        raise NotImplementedError("a Function needs a static method forward(ctx, ...)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill the context, where ``forward`` is written without one."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Compute one gradient for each input, None where there is none, from those of the outputs."""
        raise NotImplementedError("a Function needs a static method backward(ctx, ...)")

    @classmethod
    def run_forward(cls, context: Context, inputs: list[Any]) -> Any:
        """Run ``forward`` in either of its two forms."""
        if cls.setup_context is Function.setup_context:
            return cls.forward(context, *inputs)
        output = cls.forward(*inputs)
        cls.setup_context(context, tuple(inputs), output)
        return output

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Apply the operation: to tensors, and anything else that its forward takes."""
        wanted = tuple(isinstance(x, TensorBase) and x.requires_grad for x in args)
        context = Context(wanted)
        node = cls._node(context, tuple(isinstance(x, TensorBase) for x in args))
        result = node.apply_to(*args)
        for y in result if isinstance(result, tuple) else (result,):
            if any(y.array is x.array for x in context.non_differentiable):
                y.node, y.slot, y.requires_grad = None, 0, False
        return result


def once_differentiable(backward: T) -> T:
    """Accept a backward that PyTorch couldn't differentiate again; here its operations can be."""
    return backward
