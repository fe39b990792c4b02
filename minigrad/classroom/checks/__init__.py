"""How a lesson's checks are written: one module ``lesson_NN`` for each, with a list ``CHECKS``.

A check gets the learner's answers as attributes of `task`. The learner's file is never imported here: a function of
it runs in another process, on copies of its arguments, and what it gives comes back as plain values (numbers, text,
arrays, tensors without a graph, lists, tuples and dictionaries of these). `beside` looks at what has to be looked at
where the graph is. A check returns if the answer is right. Where it knows what went wrong it raises ``Wrong`` with a
hint for just that; where the blank is still there it gets to ``Blank`` by `given`. No hint gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Wrong(Exception):
    """An answer that is not right, and the hint for it."""


class Blank(Exception):
    """An answer that is not there yet."""


@dataclass(frozen=True)
class Check:
    """One task's check.

    Attributes
    ----------
    name
        The task in a few words, as ``1 the backward of a gate``.
    run
        Takes the learner's answers; returns for a right one, raises for any other.
    hint
        Where to look: shown where the learner's code raises an error. A blank gets no hint: first try.
    bug_in
        The function that the task gives with a bug in it, or ``*`` for the whole file: as long as it is as it was
        given, it counts as blank.
    """

    name: str
    run: Callable[[Any], None]
    hint: str
    bug_in: str = ""


def given(answer: Any) -> Any:
    """An answer, if there is one.

    Raises
    ------
    Blank
        For ``...``, which stands where the learner is to write, or holds it, or for None.
    """
    parts = answer if isinstance(answer, (tuple, list)) else [answer]
    if answer is None or any(part is ... for part in parts):
        raise Blank
    return answer


def number(answer: Any) -> float:
    """An answer that is to be one number.

    Raises
    ------
    Wrong
        If it is none.
    """
    try:
        return float(given(answer))
    except (TypeError, ValueError):
        kind = getattr(answer, "kind", type(answer).__name__)
        raise Wrong(f"the answer is to be one number, and is {kind}") from None


def close(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Whether two arrays, tensors or numbers have the same shape and nearly the same values."""
    import numpy as np  # the command line reads this file before it needs any array

    x, y = (np.asarray(getattr(v, "array", v), dtype=float) for v in (a, b))
    return x.shape == y.shape and bool(np.allclose(x, y, rtol=tolerance, atol=tolerance))


def beside(task: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What ``function(module, *arguments)`` gives in the learner's process, where tensors have their graphs.

    Parameters
    ----------
    task
        The learner's answers.
    function
        A function of a module of checks; it only looks, and hands back plain values to be judged here.
    arguments
        What it gets after the learner's module.
    """
    return task._beside(function, *arguments)


def require(condition: bool, hint: str) -> None:
    """Raise ``Wrong`` with this hint, unless the condition holds."""
    if not condition:
        raise Wrong(hint)
