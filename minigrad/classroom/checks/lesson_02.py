"""Checks of lesson 2, the order."""

from __future__ import annotations

from typing import Any

from minigrad.classroom.checks import Check, given, number, require

# A long branch beside a short skip, twice; and a value that the end doesn't depend on.
_GRAPH = {"x": [], "f": ["x"], "g": ["f"], "h": ["x", "g"], "k": ["h"], "y": ["k", "h"], "other": ["x"]}


def _broken(task: Any) -> None:
    answer = number(task.broken_says)
    require(answer != 4, "that is the truth; the broken engine passes some of b's gradient on twice")
    require(answer != 7, "that is with a branch that is a value of its own; here both ways lead straight to b")
    require(answer == 6, "note b.grad and a.grad after each call: the first way from c, then the second")


def _order(task: Any) -> None:
    order = given(task.order_of(_GRAPH, "y"))
    require(isinstance(order, (list, tuple)), "give a list of names")
    names = list(order)
    require("other" not in names, "the end doesn't depend on all names: begin there, and see what it was made of")
    require(len(set(names)) == len(names), "some name is there twice: each value is to have one turn")
    require(set(names) == set("xfghky"), "some names are missing, or are not of the graph")
    require(names[0] != "y", "that is the order of backward; asked is its reverse, with the end last")
    late = [n for n in names if any(names.index(s) > names.index(n) for s in _GRAPH[n])]
    require(not late, f"{late[:1]} stands before something that it was made of: near the end is not the same as late")


def _routes(task: Any) -> None:
    one, five = number(task.routes(1)), number(task.routes(5))
    require(one == 2, "with one block there are two routes: the skip and the branch")
    require(five != 10, "at each block the gradient chooses anew: are choices added, or multiplied?")
    require(five != 6, "that counts the lengths a route can have; several routes share a length")
    require(five == 32, "right for one block; write down all routes for two")


CHECKS = [
    Check("1 what the broken engine says", _broken, "Write down b.grad and a.grad after every call."),
    Check("2 an order", _order, "Visit what a name was made of, and only then write the name down; never twice."),
    Check("3 routes", _routes, "Count them for one block, then for two."),
]
