"""A lesion: the branch of a block taken away in forward, for a ``with`` block (Veit et al., 2016).

The counterpart of `cut`, which leaves forward alone. The model is run once on its first input with
gradients on, in evaluation mode, to find its joins by the very names that the ledger gives them; then at
each run the joins that were asked for give what their skip alone gives, and send no gradient to the branch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from warnings import warn

import numpy as np

from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import enable_grad
from minigrad.engine.node import Node
from minigrad.engine.running import running
from minigrad.engine.watch import Watcher
from minigrad.inspect.forks.graph import Graph
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import JOINS, find_pairs
from minigrad.nn.module import Module
from minigrad.ops.join import Cat
from minigrad.skip import DepthMix, HighwayGate, OrthogonalAdd, SkipConcat

#: A join in a model: the module in which it is, and its number among the joins there.
Place = tuple[str, int]


class _Joins(Watcher):
    """Numbers the joins of a forward pass, module by module; while it does only that, it is alone."""

    alone = True

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}
        self.places: dict[Node, Place] = {}

    def after_forward(self, node: Node, arrays: list[Any], y: Any) -> None:
        """Number a join."""
        if isinstance(node, JOINS):
            path = running.module.now[0]
            place = self.places[node] = path, self._counts.get(path, 0)
            self._counts[path] = place[1] + 1
            self.at(node, place, arrays, y)

    def at(self, node: Node, place: Place, arrays: list[Any], y: Any) -> None:
        """Do what is to be done at a join."""


class _Lesions(_Joins):
    """Gives some joins the output that their skip alone would give."""

    alone = False

    def __init__(self, removed: dict[Place, tuple[int, ...]]) -> None:
        super().__init__()
        self._removed = removed

    def at(self, node: Node, place: Place, arrays: list[Any], y: Any) -> None:
        """Write the skip's part over the output, which is this node's own array."""
        positions = self._removed.get(place)
        if positions is None:
            return
        if not isinstance(y, np.ndarray):
            raise OperationError("lesion: a block of numbers without dimensions has no array to remove a branch from")
        if isinstance(node, (SkipConcat, Cat)):
            start = 0
            for position, part in enumerate(arrays):
                stop = start + part.shape[node.axis]
                if position in positions:
                    y[(slice(None),) * node.axis + (slice(start, stop),)] = 0
                start = stop
        elif isinstance(node, DepthMix):
            left = [position for position in range(1, len(arrays)) if position not in positions]
            weights = arrays[0][[position - 1 for position in left]]
            y[...] = DepthMix().forward(weights, *(arrays[position] for position in left))
        else:
            kept = [x for position, x in enumerate(arrays) if position not in positions]
            y[...] = kept[0]
            if isinstance(node, HighwayGate):
                node.t = np.zeros_like(node.t)
            elif isinstance(node, OrthogonalAdd):
                node.f = np.zeros_like(node.f)
        if hasattr(node, "wants"):
            node.edges = tuple(None if i in positions else edge for i, edge in enumerate(node.edges))
            node.wants = tuple(edge is not None for edge in node.edges)


class Lesion:
    """A ``with`` block in which a model runs without the branches of some blocks.

    Parameters
    ----------
    model
        The model.
    block
        Which blocks.
    """

    def __init__(self, model: Module, block: Blocks) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"lesion takes an nn.Module, and not a {type(model).__name__}")
        self.model = model
        self.block = block
        self._removed: dict[Place, tuple[int, ...]] | None = None
        self._forward: Any = None

    def __enter__(self) -> Lesion:
        if self._forward is not None:
            raise OperationError("this lesion is in force already: make another one with inspect.lesion(...)")
        self._forward = self.model.forward
        self.model.__dict__["forward"] = _Lesioned(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if getattr(self._forward, "__func__", None) is type(self.model).forward:
            del self.model.__dict__["forward"]
        else:
            self.model.__dict__["forward"] = self._forward
        self._forward = None
        if self._removed is None and error is None:
            warn(
                "lesion: the model was never called, so nothing was removed: call it inside the with block",
                stacklevel=2,
            )
        self._removed = None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the model without the branches; at the first call they are looked for."""
        if self._removed is None:
            self._removed = self._find(args, kwargs)
        with _Lesions(self._removed):
            return self._forward(*args, **kwargs)

    def own_forward(self) -> Any:
        """The model's forward without any lesion."""
        forward = self._forward
        while isinstance(forward, _Lesioned):
            forward = forward.lesion._forward
        return forward

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[Place, tuple[int, ...]]:
        """Run the model once, and find where the joins are that were asked for."""
        joins = _Joins()
        with _evaluating(self.model), enable_grad(), joins:
            outputs = self.own_forward()(*map(_probe, args), **{name: _probe(x) for name, x in kwargs.items()})
        roots = [t for t in _tensors(outputs) if t.node is not None]
        if not roots:
            raise OperationError("lesion: nothing that the model returned has a graph, so its joins can't be found")
        chosen = choose(find_pairs(Graph(*roots)).some(), self.block)
        removed: dict[Place, tuple[int, ...]] = {}
        for pair in chosen:
            place = joins.places[pair.join]
            removed[place] = (*removed.get(place, ()), *pair.branch_positions)
        return removed


class _Lesioned:
    """What stands in for a model's forward; a copy of the model gets its whole forward."""

    def __init__(self, lesion: Lesion) -> None:
        self.lesion = lesion

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.lesion.run(args, kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self.lesion.own_forward(), memo)


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode for a while: no dropout is drawn, no running mean moves."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _probe(x: Any) -> Any:
    """An argument of the model, where it can be as a leaf with a gradient, so that forks of it are seen."""
    if isinstance(x, TensorBase) and x.array.dtype.kind == "f":
        return as_tensor(x.array, requires_grad=True)
    return x


def _tensors(x: Any) -> Iterable[TensorBase]:
    """All tensors in what a model returned."""
    if isinstance(x, TensorBase):
        yield x
    elif isinstance(x, dict):
        for part in x.values():
            yield from _tensors(part)
    elif isinstance(x, (list, tuple)):
        for part in x:
            yield from _tensors(part)


def lesion(model: Module, block: Blocks) -> Lesion:
    """Run a model without the branches of some blocks, within a ``with`` block.

    At the join the branch counts as zero (and a gate as shut); gradients go over the skip only.

    Parameters
    ----------
    model
        The model; it must be called itself within the block, as in ``model(x)``.
    block
        The name of a block as the ledger gives it, a glob, a number, or several of these.

    Raises
    ------
    UnknownNameError, OperationError
        At the first call, if there is no such block, or no skip connection in the model.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> model = nn.Sequential(nn.Residual(nn.Linear(2, 2)), nn.Residual(nn.Linear(2, 2)))
    >>> x = mg.tensor([[1.0, 2.0]])
    >>> with lesion(model, "0"), lesion(model, "1"):
    ...     model(x).tolist()
    [[1.0, 2.0]]
    """
    return Lesion(model, block)
