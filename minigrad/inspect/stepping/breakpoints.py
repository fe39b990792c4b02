"""Breakpoints for gradients: stop in a debugger at the first step of a backward pass that is worth a look.

What stops is Python's own ``breakpoint()``, so whatever debugger ``PYTHONBREAKPOINT`` names is served. A
condition is any function of a step; those below combine with ``&``, ``|`` and ``~``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from warnings import warn

import numpy as np

from minigrad import arguments
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.watch import Watcher
from minigrad.inspect.forks.graph import Graph, matching, unknown
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.tracing.bookkeeping import Bookkeeper


class Condition:
    """A question about a step that is answered with yes or no.

    Parameters
    ----------
    test
        A function of a step.
    text
        The condition in words.
    begin
        Called with the graph of each new pass, before its first step.

    Examples
    --------
    >>> vanishing(1e-6) & ~reaches("head")
    <vanishing(1e-06) & ~reaches('head')>
    """

    def __init__(
        self, test: Callable[[Any], Any], text: str = "", begin: Callable[[Graph], None] | None = None
    ) -> None:
        self._test = test
        self._begin = begin
        self._known: dict[Node, None] = {}
        self.text = text or getattr(test, "__name__", repr(test))

    def __call__(self, step: Any) -> bool:
        """Whether the condition holds for a step; it must see the steps of a pass in their order."""
        if self._begin is not None and step.node not in self._known:
            graph = Graph.of_node(step.node)
            self._known = dict.fromkeys(graph.nodes)
            self._begin(graph)
        return bool(self._test(step))

    # Both sides see every step, whatever the other one says: some have to follow the pass from its start.

    def __and__(self, other: Callable[[Any], Any]) -> Condition:
        both = as_condition(other)
        return Condition(lambda step: self(step) & both(step), f"{_bracketed(self)} & {_bracketed(both)}")

    def __or__(self, other: Callable[[Any], Any]) -> Condition:
        either = as_condition(other)
        return Condition(lambda step: self(step) | either(step), f"{_bracketed(self)} | {_bracketed(either)}")

    def __rand__(self, other: Callable[[Any], Any]) -> Condition:
        return as_condition(other) & self

    def __ror__(self, other: Callable[[Any], Any]) -> Condition:
        return as_condition(other) | self

    def __invert__(self) -> Condition:
        return Condition(lambda step: not self(step), f"~{_bracketed(self)}")

    def __repr__(self) -> str:
        return f"<{self.text}>"


def _bracketed(condition: Condition) -> str:
    return f"({condition.text})" if " " in condition.text else condition.text


def as_condition(test: Callable[[Any], Any]) -> Condition:
    """A condition made of any function of a step.

    Raises
    ------
    TypeError
        If it can't be called.
    """
    if isinstance(test, Condition):
        return test
    if not callable(test):
        raise TypeError(
            f"a condition is a function of a step, such as lambda step: step.norm < 1e-6, or "
            f"inspect.vanishing(1e-6), and not a {type(test).__name__}"
        )
    return Condition(test)


def vanishing(limit: float = 1e-6) -> Condition:
    """The gradient that reaches a node has a norm below ``limit``; zero counts too."""
    _positive("vanishing", limit)
    return Condition(lambda step: step.norm < limit, f"vanishing({limit:g})")


def exploding(limit: float = 1e3) -> Condition:
    """The gradient that reaches a node has a norm above ``limit``; infinity counts too, NaN doesn't."""
    _positive("exploding", limit)
    return Condition(lambda step: step.norm > limit, f"exploding({limit:g})")


def not_finite() -> Condition:
    """A NaN or an infinity is in what reaches a node, or in what its rule makes of it."""
    return Condition(_has_not_finite, "not_finite()")


def _has_not_finite(step: Any) -> bool:
    return any(g is not None and not np.isfinite(g).all() for g in (*step.grad_outputs, *step.grad_inputs))


def reaches(module: str) -> Condition:
    """The pass comes to a node of a module.

    Parameters
    ----------
    module
        A module's path (all below it counts), as in ``stage2.block1``, or a glob, as in ``*.conv1``.

    Raises
    ------
    UnknownNameError
        At the first step of a pass in whose graph there is no such module; it offers the nearest names.
    """

    def begin(graph: Graph) -> None:
        paths = [node.module for node in graph.nodes if node.module]
        if not matching(paths, module):
            raise unknown("module", module, [*_with_parents(paths)])

    return Condition(lambda step: bool(matching([step.module], module)), f"reaches({module!r})", begin)


def _with_parents(paths: list[str]) -> dict[str, None]:
    """All paths, and those of the modules that they are in."""
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split(".")
        found.update(dict.fromkeys(".".join(parts[: i + 1]) for i in range(len(parts))))
    return found


def skip_share_above(limit: float = 0.9, blocks: Blocks = None) -> Condition:
    """At a fork, more than this share of the gradient came over the skip; see `Ledger`.

    It holds at the step of the fork, or of the node whose value is forked. A forked leaf has no step.

    Parameters
    ----------
    limit
        The share.
    blocks
        Which blocks count: a name, a glob, a number, or several of these; None for all.

    Raises
    ------
    OperationError, UnknownNameError
        At the first step of a pass in whose graph there is no skip connection, or no such block.
    """
    shares = _SkipShares(limit, blocks)
    return Condition(shares.above, f"skip_share_above({limit:g})", shares.begin)


class _SkipShares:
    """Keeps the ledger of a pass, to know a pair's share as soon as its fork has its gradient."""

    def __init__(self, limit: float, blocks: Blocks) -> None:
        if not math.isfinite(arguments.number("skip_share_above", "limit", limit)):
            raise arguments.wrong_value("skip_share_above", "limit", "a finite number, such as 0.9", limit)
        self.limit = limit
        self.blocks = blocks
        self._books = Bookkeeper([])
        self._forks: dict[Node, list[str]] = {}

    def begin(self, graph: Graph) -> None:
        """Open the ledger of a pass."""
        pairs = choose(find_pairs(graph).some(), self.blocks)
        self._books = Bookkeeper(pairs, keep_arrays=False)
        self._forks = {}
        for pair in pairs:
            maker = pair.fork or (pair.value[0] if isinstance(pair.value, tuple) else None)
            if maker is not None:
                self._forks.setdefault(maker, []).append(pair.name)

    def above(self, step: Any) -> bool:
        """Whether a pair that is complete at this step has more than the limit."""
        self._books.see(step)
        names = self._forks.get(step.node)
        if names is None:
            return False
        shares = [row.skip_share for row in self._books.rows() if row.name in names]
        return any(share is not None and share > self.limit for share in shares)


def _positive(name: str, limit: float) -> None:
    if not arguments.number(name, "limit", limit) > 0:
        raise ValueError(f"{name}({limit}): the limit is compared with a norm, so it must be above 0")


class stop_when(Watcher):
    """A ``with`` block in which backward stops in the debugger, once, where a condition holds first.

    There ``step``, ``node``, ``grad_outputs`` and ``grad_inputs`` can be looked at. Without a debugger named
    by ``PYTHONBREAKPOINT`` it is pdb; with ``PYTHONBREAKPOINT=0`` nothing stops.

    Parameters
    ----------
    condition
        A function of a step, such as ``lambda step: step.norm < 1e-6``, or one that is ready made.

    Attributes
    ----------
    stopped
        The step at which it stopped; None where the condition never held.

    Raises
    ------
    TypeError
        If the condition can't be called.

    Examples
    --------
    >>> import sys
    >>> import minigrad as mg
    >>> x = mg.tensor([1e-9], requires_grad=True)
    >>> hook, sys.breakpointhook = sys.breakpointhook, lambda: print("stopped here")
    >>> with stop_when(vanishing(1e-6)):
    ...     (x * x * 3.0).sum().backward()
    >>> with stop_when(exploding(2.0)) as stop:
    ...     (x * x * 3.0).sum().backward()
    minigrad: exploding(2) holds at Mul..., where a gradient of norm 3 arrives
    stopped here
    >>> sys.breakpointhook = hook
    >>> stop.stopped.norm
    3.0
    """

    def __init__(self, condition: Callable[[Any], Any]) -> None:
        super().__init__()
        self.condition = as_condition(condition)
        self.stopped: Step | None = None
        self._watched = False

    def __enter__(self) -> stop_when:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        if exc[0] is None and not self._watched:
            warn("stop_when saw no backward pass: call loss.backward() inside its with block", stacklevel=2)

    def after_backward(self, node: Node, grads: list[Any], grad_inputs: tuple[Any, ...]) -> None:
        """Look at a step, and stop there if the condition holds for the first time."""
        self._watched = True
        if self.stopped is not None:
            return
        step = Step(node, grads, grad_inputs)
        if self.condition(step):
            self.stopped = step
            where = f"{step.name} in {step.module!r}" if step.module else step.name
            print(f"minigrad: {self.condition.text} holds at {where}, where a gradient of norm {step.norm:.4g} arrives")
            _stop_here(step)


def _stop_here(step: Step) -> None:
    """Call the debugger, in a frame where a step's parts have names."""
    node, grad_outputs, grad_inputs = step
    breakpoint()  # in pdb, `debug node.backward(*grad_outputs)` goes into this node's rule
    del node, grad_outputs, grad_inputs
