"""The door: what a function is given is looked at here, and what doesn't fit is refused in one form.

Each check takes the operation's name, the argument's and its value, and gives the value back, ready for use. A value
of another kind is a ``TypeError``, one out of range an ``OperationError``; both say the operation, the argument, what
is wanted, what came, and on which line of the user's. What a node alone can see (shapes that don't fit each other)
is said by the node, with its shapes: see ``Node.apply_to``.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError, located
from minigrad.engine.source import user_line

#: Integers go up to here, in NumPy as in PyTorch.
_LIMIT = 2**63


def shown(x: Any) -> str:
    """What came, in a few words: a tensor by its shape, anything else by its kind and value."""
    kind = type(x).__name__
    if isinstance(x, (TensorBase, np.ndarray)):
        array = array_of(x)
        return f"a{'n' if kind[0] in 'aeiou' else ''} {kind.lower()} of shape {array.shape}, {array.dtype}"
    try:
        text = reprlib.repr(x)
    except Exception:  # a ``__repr__`` of the user's that fails
        text = "?"
    return text if x is None else f"{text} ({kind})"


def wrong_kind(operation: str, name: str, wanted: str, value: Any) -> TypeError:
    """The error for an argument of another kind than is wanted."""
    return TypeError(_message(operation, name, wanted, value))


def wrong_value(operation: str, name: str, wanted: str, value: Any) -> OperationError:
    """The error for an argument of the right kind and a wrong value."""
    return OperationError(_message(operation, name, wanted, value))


def out_of_range(operation: str, name: str, wanted: str, value: Any) -> IndexError:
    """The error for an index or a dimension that isn't there."""
    return IndexError(located(f"{operation}: {name} is out of range: it must be {wanted}, and is {value}", user_line()))


def _message(operation: str, name: str, wanted: str, value: Any) -> str:
    return located(f"{operation}: {name} must be {wanted}, and is {shown(value)}", user_line())


def _is_array(value: Any) -> bool:
    """Whether it is an array of numbers; those of strings or objects hold none."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


def tensor(operation: str, name: str, value: Any, arrays: bool = True) -> Any:
    """A tensor, or a NumPy array (operations take either; a layer that uses a tensor's methods takes none).

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, TensorBase) or (arrays and _is_array(value)):
        return value
    raise wrong_kind(operation, name, "a tensor", value)


def floats(operation: str, name: str, value: Any) -> Any:
    """A tensor or array of floating-point numbers.

    Raises
    ------
    TypeError
        For anything else.
    """
    if tensor(operation, name, value).dtype.kind != "f":
        raise wrong_kind(operation, name, "a tensor of floating-point numbers (.float() makes one)", value)
    return value


def tensors(operation: str, **named: Any) -> tuple[Any, ...]:
    """Several tensors, by their arguments' names."""
    return tuple(tensor(operation, name, value) for name, value in named.items())


def tensor_or_none(operation: str, name: str, value: Any) -> Any:
    """A tensor, or None where it may be left out."""
    if value is None or isinstance(value, TensorBase) or _is_array(value):
        return value
    raise wrong_kind(operation, name, "a tensor or None", value)


def flag(operation: str, name: str, value: Any) -> bool:
    """True or False; 0 and 1 are these in Python.

    Raises
    ------
    TypeError
        For anything else: what is only "true" or "false" somehow is most often an argument in the wrong place.
    """
    if value is True or value is False:
        return value
    if isinstance(value, (int, np.bool_)) and value in (0, 1):
        return bool(value)
    raise wrong_kind(operation, name, "True or False", value)


def truths(operation: str, **named: Any) -> None:
    """Check that each can be asked whether it is true, as Python asks; an array of several numbers can't.

    Raises
    ------
    TypeError
        If one can't.
    """
    for name, value in named.items():
        try:
            bool(value)
        except Exception:  # (NumPy's error, or that of a ``__bool__`` of the user's)
            raise wrong_kind(operation, name, "True or False", value) from None


def sequence(operation: str, name: str, value: Any) -> Sequence[Any]:
    """A sequence of tensors, of one at least.

    Raises
    ------
    TypeError
        For anything else, or for something in it that is no tensor.
    OperationError
        For an empty one.
    """
    if not isinstance(value, (tuple, list)):
        raise wrong_kind(operation, name, "a sequence of tensors", value)
    if not value:
        raise wrong_value(operation, name, "at least one tensor", value)
    for each in value:
        tensor(operation, f"each of {name}", each)
    return value


def integer(operation: str, name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """A whole number, as an ``int``.

    Raises
    ------
    TypeError
        For what is no integer; a float is none, even 2.0.
    OperationError
        For one below ``least`` or above ``most``, or that doesn't fit into 64 bits.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise wrong_kind(operation, name, _range("an integer", least, most), value) from None
    if (least is not None and number < least) or (most is not None and number > most):
        raise wrong_value(operation, name, _range("an integer", least, most), value)
    if not -_LIMIT <= number < _LIMIT:
        raise wrong_value(operation, name, "an integer of 64 bits", value)
    return number


def number(operation: str, name: str, value: Any, least: float | None = None, most: float | None = None) -> float:
    """A real number, as a ``float``; no NaN where a range is wanted.

    Raises
    ------
    TypeError
        For what is no number; a tensor without dimensions is one, unless a gradient would have to go through it.
    OperationError
        For one below ``least`` or above ``most``, or too large for a float.
    """
    if not isinstance(value, (int, float, np.integer, np.floating)):
        single = isinstance(value, (TensorBase, np.ndarray)) and array_of(value).shape == ()
        if not single or array_of(value).dtype.kind not in "biuf" or getattr(value, "requires_grad", False):
            raise wrong_kind(operation, name, _range("a number", least, most), value)
    try:
        real = float(value)
    except OverflowError:
        raise wrong_value(operation, name, _range("a number", least, most), value) from None
    outside = (least is not None and real < least) or (most is not None and real > most)
    if outside or (math.isnan(real) and (least is not None or most is not None)):
        raise wrong_value(operation, name, _range("a number", least, most), value)
    return real


def numbers(operation: str, **named: Any) -> None:
    """Check several numbers, by their arguments' names."""
    for name, value in named.items():
        number(operation, name, value)


def integers(operation: str, name: str, value: Any, counts: Sequence[int] = (), least: int | None = None) -> Any:
    """Whole numbers, as a tuple, from a sequence or from one number.

    Parameters
    ----------
    operation, name, value
        As everywhere here.
    counts
        How many there may be; empty for any number.
    least
        The smallest that is allowed.

    Raises
    ------
    TypeError
        For what are no integers.
    OperationError
        For too few or too many, or one that is too small or doesn't fit into 64 bits.
    """
    wanted = _range("an integer" if 1 in counts else "integers", least, None)
    if counts and tuple(counts) != (1,):
        wanted += f" ({' or '.join(str(n) for n in counts)} of them)"
    try:
        if isinstance(value, (str, bytes, dict, set, frozenset)):
            raise TypeError
        given = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
        found = tuple(operator.index(each) for each in given)
    except TypeError:
        raise wrong_kind(operation, name, wanted, value) from None
    if (counts and len(found) not in counts) or (least is not None and any(n < least for n in found)):
        raise wrong_value(operation, name, wanted, value)
    if any(not -_LIMIT <= n < _LIMIT for n in found):
        raise wrong_value(operation, name, "of 64 bits", value)
    return found


def choice(operation: str, name: str, value: Any, options: Sequence[Any]) -> Any:
    """One of a few values.

    Raises
    ------
    OperationError
        For any other.
    """
    for option in options:
        if value is option or (type(value) is type(option) and value == option):
            return value
    raise wrong_value(operation, name, " or ".join(map(repr, options)), value)


def dtype(operation: str, value: Any, name: str = "dtype") -> np.dtype[Any]:
    """The dtype that ``value`` names.

    Raises
    ------
    TypeError
        For what names none, or one that a tensor can't hold.
    """
    try:
        known = (
            value if isinstance(value, (type, TensorBase, np.ndarray, np.generic)) else getattr(value, "dtype", value)
        )
        found = np.dtype(known) if isinstance(known, (np.dtype, type, str)) else None
    except (TypeError, ValueError):
        found = None
    if found is None or found.kind not in "biufc":
        raise wrong_kind(operation, name, "a dtype, such as float32 or int64", value)
    return found


def scalar(operation: str, name: str, value: Any) -> Any:
    """A number or boolean, of Python, NumPy or a tensor, as an array without dimensions.

    Raises
    ------
    TypeError
        For anything else, also for an integer of more than 64 bits.
    """
    array = value.array if isinstance(value, TensorBase) else value
    if isinstance(array, (int, float, complex, np.generic, np.ndarray)):
        array = np.asarray(array)
        if array.shape == () and array.dtype.kind in "biufc":
            return array
    raise wrong_kind(operation, name, "a number, or a tensor without dimensions", value)


def instance(operation: str, name: str, value: Any, kind: Any, wanted: str) -> Any:
    """An object of a class, which ``wanted`` says in words.

    Raises
    ------
    TypeError
        For anything else.
    """
    if not isinstance(value, kind):
        raise wrong_kind(operation, name, wanted, value)
    return value


def room(operation: str, shape: Sequence[int], dtype: Any) -> None:
    """See that an array is no larger than this machine's memory, before anything is computed.

    Raises
    ------
    MemoryError
        If it is larger; it says how many bytes it would take.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > _MEMORY or max(shape, default=0) > _MEMORY:
        told = f"a tensor of shape {tuple(shape)} takes {size:,} bytes, and this machine has {_MEMORY:,}"
        raise MemoryError(located(f"{operation}: {told}", user_line()))


def _memory() -> int:
    """How many bytes of memory there are; a number that none has, where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 2**48


_MEMORY = _memory()


def function(operation: str, name: str, value: Any) -> Callable[..., Any]:
    """Something that can be called.

    Raises
    ------
    TypeError
        For anything else.
    """
    if not callable(value):
        raise wrong_kind(operation, name, "a function", value)
    called: Callable[..., Any] = value
    return called


def _range(kind: str, least: float | None, most: float | None) -> str:
    """The kind, and in which range it has to be."""
    if least is not None and most is not None:
        return f"{kind} from {least} to {most}"
    if least is not None:
        return f"{kind} of at least {least}"
    return kind if most is None else f"{kind} of at most {most}"
