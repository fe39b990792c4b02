"""Writing in place: a tensor's values change for every alias, and its history is from now on that of what was written.

An operation in place is the ordinary operation: applied to the value that the tensor has, and then put in its place.
So ``out += identity`` makes an ``Add`` like ``out + identity``, and whatever looks at graphs sees the same join.
A write to a part is an ``Overwrite``; through a view, it is one of the tensor from which the view is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from minigrad import arguments
from minigrad.arguments import tensor
from minigrad.engine import base, writes
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.leaves import Retain
from minigrad.engine.mode import is_grad_enabled
from minigrad.engine.node import Node
from minigrad.engine.views import Part, renew
from minigrad.ops.common import shape_of, unbroadcast

T = TypeVar("T")

WHOLE = Part(())


class Overwrite(Node):
    """``x``, a part of which is overwritten with a value. Backward: ``gx = gy`` with 0 there, ``gvalue = gy`` there.

    Its forward writes into the array that it is given: the output is the input's memory.
    """

    def __init__(self, part: Part) -> None:
        self.part = part

    def forward(self, x: Any, value: Any) -> Any:
        self.value_shape = shape_of(value)
        if x.dtype.kind != "c" and getattr(getattr(value, "dtype", None), "kind", "") == "c":
            raise TypeError(f"complex numbers can't be written into {x.dtype}")
        self.part.put(x, value)
        return x

    def backward(self, gy: Any) -> Any:
        gx = gvalue = None
        if self.wants[0]:
            gx = Overwrite(self.part).apply_to(gy.copy() if type(gy) is ndarray else gy * 1, 0)
        if self.wants[1]:
            gvalue = unbroadcast(self.part.of(gy), self.value_shape)
        return gx, gvalue


def before(x: T, operation: str = "an operation in place") -> T:
    """What an operation in place is applied to: the value that ``x`` has now, as a tensor of its own.

    Raises
    ------
    TypeError
        If ``x`` is no tensor, nor an array.
    OperationError
        If ``x`` can't be written to.
    """
    if not isinstance(x, TensorBase):
        return tensor(operation, "input", x)
    if is_grad_enabled():
        leaf = x if x._view is None else x._view.base
        if leaf.node is None and leaf.requires_grad:
            what = "a leaf Variable" if leaf is x else "a view of a leaf Variable"
            raise OperationError(
                f"{what} that requires grad is being used in an in-place operation: its value at forward is what it "
                "learns by. Write under minigrad.no_grad(), or make a new tensor, as in x = x + y"
            )
        if x.requires_grad and x._view is not None and x._view.part is None:
            raise _one_of_several_views()
    if not x.array.flags.writeable:
        raise OperationError(
            f"this tensor of shape {x.array.shape} can't be written to: several of its elements share one place in "
            "memory (expand), or its array is read-only. Write to a copy: x = x.clone()"
        )
    if x.forked or (x.node is not None and x.node.shares_array):  # the ways of a fork are values of their own
        x.array, x.forked = x.array.copy(), False
    return _snapshot(x)  # type: ignore[return-value]


def _snapshot(x: TensorBase) -> TensorBase:
    old = base.as_tensor(x.array, x.requires_grad)
    old.node, old.slot = x.node, x.slot
    if x.name is not None:
        old.name = x.name
    return old


def write(x: T, old: Any, result: Any) -> T:
    """Let ``x`` be the result of an operation on its value so far: its values for every alias, its history for ``x``.

    Parameters
    ----------
    x
        The tensor.
    old
        What `before` gave for it.
    result
        What the operation gave for ``old``.

    Raises
    ------
    OperationError
        If the result has another shape, or is of a kind that ``x`` can't hold.
    """
    if not isinstance(x, TensorBase):
        np.copyto(x, result)  # type: ignore[arg-type]  # what is no tensor is an array
        return x
    if result.array is x.array:
        writes.note(x.array, None if result.node is None else result.node.index)
    else:
        _check_fits(x, result.array)
        _put(x, result)
    if result.node is not None:
        _become(x, result)
        if x._view is not None:
            root, part = x._view
            if part is None:
                raise _one_of_several_views()
            _become(root, Overwrite(part).apply_to(_snapshot(root), _snapshot(x)))
            renew(root, written=x)
        else:
            renew(x)
    return x


def _one_of_several_views() -> OperationError:
    return OperationError(
        "this tensor is one of several views that one operation gave (split, chunk, unbind, iteration), and is being "
        "modified inplace: such views can't carry a history back. Cut it out by an index, as in x[0], or write to a "
        "clone()"
    )


def _check_fits(x: TensorBase, array: Any) -> None:
    if array.shape != x.array.shape:
        raise OperationError(
            f"the result has shape {array.shape}, which doesn't fit in place of {x.array.shape}: "
            "make a new tensor, as in x = x + y"
        )
    kinds = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
    if kinds[array.dtype.kind] > kinds[x.array.dtype.kind]:
        raise OperationError(
            f"result type {array.dtype} can't be cast to the desired output type {x.array.dtype}: "
            "convert the tensor first, as in x = x.float()"
        )


def _put(x: TensorBase, result: TensorBase) -> None:
    """Put the values of the result where those of ``x`` are."""
    array, node = result.array, result.node
    if _is_unseen(x, node) and array.base is None and array.flags.writeable and array.dtype == x.array.dtype:
        x.array = array  # nobody sees the memory from outside, so the result's own can take its place
        return
    if node is not None:
        for name in [name for name, _ in writes.kept(node)]:
            vars(node)[name] = _apart(vars(node)[name], x.array)
    np.copyto(x.array, array, casting="unsafe")
    writes.note(x.array, None if node is None else node.index)


def _is_unseen(x: TensorBase, node: Node | None) -> bool:
    """Whether nobody holds the array of ``x`` but it, what `before` gave, and the node that was applied to that."""
    kept = 0 if node is None else sum(value is x.array for value in vars(node).values())
    return x.array.base is None and getrefcount(x.array) - kept <= _UNSEEN


def _apart(value: Any, written: Any) -> Any:
    """What a node keeps, on memory that the write to ``written`` doesn't reach."""
    if isinstance(value, (tuple, list)):
        return type(value)(_apart(each, written) for each in value)
    return value.copy() if isinstance(value, ndarray) and np.may_share_memory(value, written) else value


def _become(x: TensorBase, result: TensorBase) -> None:
    """Give ``x`` the history of the result. Hooks stay with the value so far, but for the one that retains."""
    retain = None
    if x.retains_grad and x.node is not None and x.node.hooks is not None:
        hooks = x.node.hooks.get(x.slot, {})
        for key in [key for key, hook in hooks.items() if isinstance(hook, Retain) and hook.tensor() is x]:
            retain = hooks.pop(key)
    x.node, x.slot, x.requires_grad = result.node, result.slot, result.requires_grad
    if retain is not None and x.node is not None:
        x.node.hooks = {x.slot: {0: retain}}


def _references_when_unseen() -> int:
    """What ``getrefcount`` gives for an array that a tensor and what `before` gave for it hold."""
    x = base.as_tensor(np.empty(1))
    old = _snapshot(x)
    return getrefcount(old.array)


_UNSEEN = _references_when_unseen()


def apply_in_place(node: Node, x: T) -> T:
    """Apply an operation to ``x``, and write its result there."""
    old = before(x, type(node).__name__)
    return write(x, old, node.apply_to(old))


def overwrite(x: T, part: Part, value: Any) -> T:
    """Write a value into a part of ``x``.

    Raises
    ------
    OperationError, IndexError
        If there is no such part, or the value doesn't fit there.
    """
    old = before(x)
    return write(x, old, Overwrite(part).apply_to(old, value))


def in_place(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """The twin of a function that writes its result over its first argument, under the name with a line below."""

    def twin(input: Any, *args: Any, **kwargs: Any) -> Any:
        old = before(input, twin.__name__)
        result = function(old, *args, **kwargs)
        if result is NotImplemented:  # a comparison with what is no number
            raise arguments.wrong_kind(twin.__name__, "other", "a tensor or a number", args[0])
        return write(input, old, result)

    twin.__name__ = twin.__qualname__ = f"{name or function.__name__}_"
    twin.__doc__ = f"``{function.__name__}`` in place: {(function.__doc__ or '').partition(chr(10))[0]}"
    return twin
