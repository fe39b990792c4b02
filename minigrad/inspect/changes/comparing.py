"""The gradient under a change beside the true one, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.base import Array, TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.gradients import grad
from minigrad.engine.step import read_only
from minigrad.inspect import measure
from minigrad.inspect.changes.scaling import LABEL, Change
from minigrad.inspect.forks.graph import Graph, leaf_name
from minigrad.inspect.say.table import Table, Tabular

if TYPE_CHECKING:
    from minigrad.nn.module import Module


@dataclass(frozen=True, eq=False, repr=False)
class WhatIfRow:
    """One tensor's gradient, true and changed.

    Attributes
    ----------
    name
        The tensor's name.
    true, changed, difference
        The gradient, what it is under the change, and ``changed - true``; zeros where nothing arrived.
    """

    name: str
    true: Array
    changed: Array
    difference: Array

    @property
    def norms(self) -> tuple[float, float, float]:
        """The norms of the three."""
        return measure.norm(self.true), measure.norm(self.changed), measure.norm(self.difference)

    @property
    def cosine(self) -> float | None:
        """The cosine of the angle between the true and the changed gradient."""
        return measure.cosine(self.true, self.changed)

    def __repr__(self) -> str:
        return f"<WhatIfRow {self.name!r}: |true| {self.norms[0]:.4g}, |changed| {self.norms[1]:.4g}>"


class WhatIf(Tabular):
    """What a change does to the gradients of some tensors.

    Attributes
    ----------
    rows
        One for each tensor.
    label
        What was changed, and that it is not the gradient of any trained function.
    """

    def __init__(self, rows: Sequence[WhatIfRow], label: str) -> None:
        self.rows = list(rows)
        self.label = label

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[WhatIfRow]:
        return iter(self.rows)

    def __getitem__(self, position: int) -> WhatIfRow:
        return self.rows[position]

    def to_dict(self) -> list[dict[str, Any]]:
        """The numbers as dictionaries."""
        names = ("norm_true", "norm_changed", "norm_difference")
        return [{"name": r.name, **dict(zip(names, r.norms, strict=True)), "cosine": r.cosine} for r in self.rows]

    def table(self) -> Table:
        """The table that is shown."""
        rows = [[row.name, *row.norms, row.cosine] for row in self.rows]
        return Table(["gradient of", "|true|", "|changed|", "|changed - true|", "cosine"], rows, title=self.label)


@np.errstate(all="ignore")  # as in backward()
def what_if(
    loss: TensorBase,
    *changes: Change,
    wrt: TensorBase | Sequence[TensorBase] | Mapping[str, TensorBase] | Module | None = None,
    gradient: Any = None,
) -> WhatIf:
    """Compare the gradient under a change with the true one; the graph and every ``.grad`` stay as they are.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    changes
        What `cut` or `scale` gave; several act together.
    wrt
        Tensors, or a mapping of names to tensors, or a model for its parameters; None for all leaves.
    gradient
        The gradient of ``loss``.

    Raises
    ------
    OperationError
        If no change is given, or there is no skip connection in the graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> print(what_if(mg.skip.residual_add(s, 3 * b).sum(), mg.inspect.cut("skip"), wrt={"x": x}))
    skip cut in all blocks: not the gradient of any trained function
    gradient of  |true|  |changed|  |changed - true|  cosine
    -----------  ------  ---------  ----------------  ------
    x                 4          3                 1       1
    """
    if not changes:
        raise OperationError('what_if needs a change, such as inspect.cut("skip") or inspect.scale("branch", 0.5)')
    named = _named(loss, wrt)
    tensors = list(named.values())
    true = grad(loss, tensors, gradient, retain_graph=True, allow_unused=True)
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change)
        changed = grad(loss, tensors, gradient, retain_graph=True, allow_unused=True)
    rows = []
    for (name, tensor), *both in zip(named.items(), true, changed, strict=True):
        before, after = (np.zeros_like(tensor.array) if g is None else g.array for g in both)
        rows.append(WhatIfRow(name, *map(read_only, (before, after, after - before))))
    return WhatIf(rows, f"{' and '.join(change.title for change in changes)}: {LABEL}")


def _named(loss: TensorBase, wrt: Any) -> dict[str, TensorBase]:
    """The tensors that are asked for, each under a name."""
    if isinstance(wrt, Mapping):
        return dict(wrt)
    if wrt is not None and hasattr(wrt, "named_parameters"):
        return {name: p for name, p in wrt.named_parameters() if p.requires_grad}
    graph = Graph(loss)
    tensors = graph.leaves if wrt is None else [wrt] if isinstance(wrt, TensorBase) else list(wrt)
    named: dict[str, TensorBase] = {}
    for tensor in tensors:
        reader = graph.readers.get(tensor, [None])[0]
        name = leaf_name(*reader, tensor) if reader is not None else tensor.name or f"tensor{len(named)}"
        named[f"{name}#{len(named)}" if name in named else name] = tensor
    return named
