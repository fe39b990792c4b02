"""What a package says when it is asked for a name that it doesn't have: that name, and what comes nearest."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import Any

#: Names of PyTorch that have an answer of their own.
_ANSWERS = {
    "bfloat16": "NumPy has no such numbers; use float32, or float16",
    "LBFGS": "second-order optimizers aren't there; Adam and SGD come nearest",
    "fft": "transforms aren't there: numpy.fft works on x.numpy()",
    "sparse": "every tensor is dense here",
    "distributions": "distributions aren't there; randn, rand, normal and multinomial draw",
    "quantization": "every tensor is of floats here",
}


def teller(module: str) -> Callable[[str], Any]:
    """Give a ``__getattr__`` for a module.

    Parameters
    ----------
    module
        Its name; the names that it has are in its ``__all__``.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807  (Python's name for it)
        message = f"{module} has no {name!r}"
        if name in _ANSWERS:
            message += f": {_ANSWERS[name]}"
        elif not name.startswith("_"):
            here = {each.lower(): each for each in sys.modules[module].__all__}
            near = [here[each] for each in difflib.get_close_matches(name.lower(), here, 3, 0.7)]
            message += f"; what comes nearest is {', '.join(near)}" if near else ""
            message += " (docs/missing.md says what is left out, and why)"
        raise AttributeError(message, name=name, obj=sys.modules[module])

    return __getattr__


def lister(module: str) -> Callable[[], list[str]]:
    """Give a ``__dir__`` for a module that has code of its own: what is in its ``__all__``, and not what it imports."""

    def __dir__() -> list[str]:  # noqa: N807  (Python's name for it)
        return list(sys.modules[module].__all__)

    return __dir__
