"""Hostile calls: each argument in turn is what nobody should give, and what comes of it is judged.

A call may be accepted, or refused by a ``raise`` of minigrad's in plain words. What is neither is a complaint: an
error from inside Python, NumPy or Numba, one in their words, or a call that takes seconds.
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import re
import signal
import traceback
import warnings

import numpy as np

import minigrad as mg

from .valid import call, ramp

#: What is given, by the name under which it is reported.
VALUES = {
    "None": None,
    "text": "text",
    "object": object(),
    "function": len,
    "-1": -1,
    "0": 0,
    "3": 3,
    "2.5": 2.5,
    "nan": float("nan"),
    "2**40": 2**40,
    "2**70": 2**70,
    "1j": 1j,
    "True": True,
    "()": (),
    "(1, 2, 3)": (1, 2, 3),
    "(-1, -1)": (-1, -1),
    "(0, 0)": (0, 0),
    "(2.5, 2)": (2.5, 2),
    "('a', 'b')": ("a", "b"),
    "[None]": [None],
    "{}": {},
    "number": ramp(),
    "empty": ramp(0),
    "vector": ramp(2),
    "rank 5": ramp(2, 3, 4, 5, 2),
    "bool": mg.tensor([[True]]),
    "half": ramp(2, 2).half(),
    "out of range": mg.tensor([-7, 99]),
    "array": np.ones((2, 2)),
    "strings": np.array(["a"]),
}

#: The insides of Python and its libraries, as their errors name them.
INSIDES = re.compile(
    r"not supported between instances|did not contain a loop|invalid literal|truth value of an (empty )?array|"
    r"Cannot interpret|no implementation of function|object is not|has no attribute|has no len|cannot be interpreted|"
    r"unsupported operand type|could not convert|must be real number|argument must be|int too large|"
    r"positional argument|unexpected keyword|no matching signature|typing error|ufunc|not subscriptable|"
    r"cannot convert|could not be cast|must be an? (integer|str)\b.* not|Only integer scalar arrays|only 0-dimensional"
)


@contextlib.contextmanager
def at_most(seconds):
    """Raise an error in what takes the processor for longer (where the system can tell)."""

    def late(*_):
        raise TimeoutError

    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def is_deliberate(error):
    """Whether a ``raise`` statement of minigrad's made the error, or Python's own about the call's arguments."""
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    file = frame.f_code.co_filename
    if file == call.__code__.co_filename or re.match(r"\w+\(\) (takes|got|missing) ", str(error)):
        return True
    return "minigrad" in file and linecache.getline(file, line).lstrip().startswith("raise ")


def complaint(function, arguments):
    """What is wrong with the way in which a call ends, or None."""
    try:
        with warnings.catch_warnings(), at_most(3):
            warnings.simplefilter("ignore")
            call(function, arguments)
    except TimeoutError:
        return "takes seconds"
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        if not is_deliberate(error):
            return f"raw: {words}"
        cause = error.__cause__
        if cause is not None and not is_deliberate(cause) and INSIDES.search(words):
            return f"in others' words: {words}"
    return None


def hostile_arguments(function, arguments):
    """For each parameter and each hostile value: their names, and the arguments with that one in place."""
    for p in inspect.signature(function).parameters.values():
        if p.kind is not p.VAR_KEYWORD and p.name != "self":
            for what, value in VALUES.items():
                yield p.name, what, {**arguments, p.name: (value,) if p.kind is p.VAR_POSITIONAL else value}


def complaints(function, arguments):
    """Every complaint about a function that is called with each argument in turn replaced."""
    found = []
    for name, what, given in hostile_arguments(function, arguments):
        wrong = complaint(function, given)
        if wrong:
            found.append(f"{name}={what}: {wrong}")
    return found
