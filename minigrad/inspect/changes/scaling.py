"""What if: scale or cut the gradient on one way of some blocks, in backward only.

Forward stays as it was, so what comes out is not the gradient of any function that was trained: it shows
what a way carries, and is labelled wherever it is shown. The engine knows nothing of this: for the length
of a ``with`` block, the rule of each join that is asked for is wrapped just before its turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextvars import ContextVar, Token
from typing import Any

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.engine.watch import Watcher
from minigrad.inspect.forks.graph import Edge, Graph, as_tuple
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import Pair, find_pairs

#: What every output says that was made under a change.
LABEL = "not the gradient of any trained function"

_in_force: ContextVar[tuple[Change, ...]] = ContextVar("changes", default=())


def label_in_force() -> str:
    """How to label what is measured now: empty, where nothing is changed."""
    changes = _in_force.get()
    return f"{' and '.join(change.title for change in changes)}: {LABEL}" if changes else ""


def factors_in_force(pairs: Sequence[Pair]) -> dict[Edge, float]:
    """The factor of every edge into a join that is changed now."""
    factors: dict[Edge, float] = {}
    for change in _in_force.get():
        for edge, factor in change.edges(pairs).items():
            factors[edge] = factors.get(edge, 1.0) * factor
    return factors


class Change(Watcher):
    """A ``with`` block in which backward sends a scaled gradient down one way of some blocks.

    Parameters
    ----------
    path
        ``"skip"`` or ``"branch"``. A gate counts with the branch.
    factor
        What the gradient is multiplied by where it leaves the join; 0 sends nothing.
    blocks
        Which blocks: a name, a glob, a number, or several of these; None for all.

    Raises
    ------
    ValueError
        For another path.
    """

    def __init__(self, path: str, factor: float, blocks: Blocks = None) -> None:
        super().__init__()
        self.path = arguments.choice(type(self).__name__, "path", path, ("skip", "branch"))
        self.factor = arguments.number(type(self).__name__, "factor", factor)
        if not math.isfinite(self.factor):
            raise ValueError(f"factor is {factor}: it must be a finite number")
        self.blocks = blocks
        self._factors: dict[Edge, float] = {}
        self._known: dict[Node, None] = {}
        self._tokens: list[Token[tuple[Change, ...]]] = []

    @property
    def title(self) -> str:
        """What is changed, in words."""
        what = f"{self.path} cut" if self.factor == 0 else f"{self.path} times {self.factor:g}"
        if self.blocks is None:
            return f"{what} in all blocks"
        named = [self.blocks] if isinstance(self.blocks, (str, int)) else self.blocks
        return f"{what} in {', '.join(f'block {b}' if isinstance(b, int) else b for b in named)}"

    def edges(self, pairs: Sequence[Pair]) -> dict[Edge, float]:
        """The edges from joins that this change acts on."""
        chosen = choose(pairs, self.blocks)
        return {Edge(pair.join, p): self.factor for pair in chosen for p in pair.positions(self.path)}

    def __enter__(self) -> Change:
        self._tokens.append(_in_force.set((*_in_force.get(), self)))
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        _in_force.reset(self._tokens.pop())
        if not self._tokens:
            for edge in self._factors:  # where an error ended a pass, a rule may still be wrapped
                vars(edge.node).pop("backward", None)
            self._factors, self._known = {}, {}

    def before_backward(self, node: Node, grads: list[Any]) -> None:
        """Wrap a join's rule; at the first node of a pass, find the joins."""
        if node not in self._known:
            graph = Graph.of_node(node)
            self._known = dict.fromkeys(graph.nodes)
            self._factors = self.edges(find_pairs(graph).some())
        factors = {p: self._factors[Edge(node, p)] for p in range(len(node.inputs)) if (node, p) in self._factors}
        if factors:
            vars(node)["backward"] = _Scaled(node, factors)

    def after_backward(self, node: Node, grads: list[Any], grad_inputs: tuple[Any, ...]) -> None:
        """Give a join its own rule back."""
        vars(node).pop("backward", None)

    def __repr__(self) -> str:
        return f"<{self.title}>"


class _Scaled:
    """A join's rule with some of its gradients scaled; it wraps what was there, so that changes multiply."""

    def __init__(self, node: Node, factors: dict[int, float]) -> None:
        self.node = node
        self.inner = vars(node).get("backward")
        self.factors = factors

    def __call__(self, *grads: Any) -> tuple[Any, ...]:
        if self.inner is not None:
            sent = self.inner(*grads)
        else:
            node = self.node.as_tensors() if isinstance(grads[0], TensorBase) else self.node
            sent = as_tuple(type(node).backward(node, *grads))
        return tuple(times(g, self.factors.get(position, 1.0)) for position, g in enumerate(sent))


def times(gradient: Any, factor: float) -> Any:
    """A scaled gradient; None, which is sent nowhere, where the factor is 0."""
    if gradient is None or factor == 1:
        return gradient
    return gradient * factor if factor else None


def cut(path: str, blocks: Blocks = None) -> Change:
    """Send no gradient down one way of some blocks, within a ``with`` block, in backward only.

    Parameters
    ----------
    path
        ``"skip"`` or ``"branch"``.
    blocks
        Which blocks: a name (``stage2`` takes all in it), a glob, a number in forward order, or several of
        these; None for all.

    Raises
    ------
    UnknownNameError
        In backward, if there is no such block.
    OperationError
        In backward, if there is no skip connection in the graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> y = mg.skip.residual_add(s, 3 * b).sum()
    >>> with cut("skip"):
    ...     y.backward()
    >>> x.grad.item()
    3.0
    """
    return Change(path, 0.0, blocks)


def scale(path: str, factor: float, blocks: Blocks = None) -> Change:
    """Multiply the gradient on one way of some blocks, within a ``with`` block, in backward only.

    Parameters
    ----------
    path, blocks
        As in `cut`.
    factor
        What the gradient is multiplied by as it leaves the join.

    Raises
    ------
    UnknownNameError, OperationError
        As in `cut`.
    """
    return Change(path, factor, blocks)
