"""How a lesson's checks are written: one module ``lesson_NN`` for each, with a list ``CHECKS``.

A check looks at the learner's module, and returns if the answer is right. Where it knows what went wrong it
raises ``Wrong`` with a hint for just that; where the blank is still there it gets to ``Blank`` by `given`.
Anything else that is raised is an error in the learner's code, and is told as one. No hint gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


class Wrong(Exception):  # noqa: N818  (an answer is wrong, not the program)
    """An answer that is not right, and the hint for it."""


class Blank(Exception):  # noqa: N818  (as above)
    """An answer that is not there yet."""


@dataclass(frozen=True)
class Check:
    """One task's check.

    Attributes
    ----------
    name
        The task in a few words, as ``1 the backward of a gate``.
    run
        Takes the learner's module; returns for a right answer, raises for any other.
    hint
        Where to begin: shown while the task is blank, and where the learner's code raises an error.
    """

    name: str
    run: Callable[[ModuleType], None]
    hint: str


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
        raise Wrong(f"the answer is to be one number, and is {type(answer).__name__}") from None


def close(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Whether two arrays, tensors or numbers have the same shape and nearly the same values."""
    import numpy as np  # the command line reads this file before it needs any array

    x, y = (np.asarray(getattr(v, "array", v), dtype=float) for v in (a, b))
    return x.shape == y.shape and bool(np.allclose(x, y, rtol=tolerance, atol=tolerance))


def require(condition: bool, hint: str) -> None:
    """Raise ``Wrong`` with this hint, unless the condition holds."""
    if not condition:
        raise Wrong(hint)
