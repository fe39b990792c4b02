"""What ``b`` in the stepper was given, made a condition: a node, a module, a ready-made one, an expression."""

from __future__ import annotations

import ast
import builtins
from typing import Any

from minigrad.inspect.forks.graph import kind_of, matching, unknown
from minigrad.inspect.say.step_names import all_names, names_at
from minigrad.inspect.stepping import breakpoints
from minigrad.inspect.stepping.breakpoints import Condition, as_condition
from minigrad.inspect.stepping.tape import Tape
from minigrad.inspect.tracing.steps import TracedStep

#: The ready-made conditions, by name.
READY = {
    name: getattr(breakpoints, name) for name in ("vanishing", "exploding", "not_finite", "reaches", "skip_share_above")
}


def places(tape: Tape) -> list[str]:
    """Kinds of nodes, modules and nodes: all that a breakpoint can be set at by name."""
    nodes = tape.graph.nodes
    names = [*(kind_of(node) for node in nodes), *(node.module for node in nodes if node.module)]
    return list(dict.fromkeys([*names, *(node.name for node in nodes)]))


def condition_of(arg: str, tape: Tape, outside: dict[str, Any]) -> Condition:
    """The condition that ``b`` was given.

    Parameters
    ----------
    arg
        A node, a kind of node, a module, a ready-made condition, or ``if`` and an expression.
    tape
        The pass.
    outside
        The variables of the user's program.

    Raises
    ------
    UnknownNameError
        If it names what doesn't exist; it offers the nearest names.
    """
    word, _, rest = arg.partition(" ")
    if word == "if":
        return _expression(rest.strip(), tape, outside)
    if "(" in arg:
        return as_condition(eval(arg, {**outside, **READY}))
    nodes = tape.graph.nodes
    for names in ([node.name for node in nodes], [kind_of(node) for node in nodes]):
        if arg in names:
            return Condition(lambda step: arg in (step.name, kind_of(step.node)), arg)
    modules = [node.module for node in nodes if node.module]
    if not matching(modules, arg):
        raise unknown("node or module", arg, places(tape))
    return Condition(lambda step: bool(matching([step.module], arg)), arg)


def _expression(text: str, tape: Tape, outside: dict[str, Any]) -> Condition:
    """A condition in the names of a node; where a node has no such name, it doesn't hold."""
    used = [part.id for part in ast.walk(ast.parse(text, mode="eval")) if isinstance(part, ast.Name)]
    known = {**vars(builtins), **outside, "np": None, "step": None, "self": None}
    for node in tape.graph.nodes:
        known.update(dict.fromkeys(all_names(node)))
    for name in used:
        if name not in known:
            raise unknown("name", name, known)
    code = compile(text, "<condition>", "eval")

    def holds(step: TracedStep) -> Any:
        try:
            return eval(code, {**outside, **names_at(step)})
        except NameError:
            return False

    return Condition(holds, f"if {text}")
