"""Whether operations build a graph.

The switch is a context variable, so that it holds for the current thread and the current asyncio task only:
evaluating in one thread never turns gradients off in another.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

grad_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)


def is_grad_enabled() -> bool:
    """Tell whether operations build a graph in this thread and task."""
    return grad_enabled.get()


def _in_mode(mode: Callable[[], Any], function: Any) -> Any:
    """A function that runs in a mode; of a generator each part up to its next ``yield`` does, and nothing outside."""
    if inspect.isclass(function):
        raise TypeError(f"{function.__name__} is a class: decorate its methods, or use a with block")
    if not inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def with_mode(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return with_mode

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Any:
        with mode():
            inner = function(*args, **kwargs)
        step, sent = inner.send, None
        try:
            while True:
                with mode():
                    value = step(sent)
                try:
                    sent = yield value
                    step = inner.send
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step, sent = inner.throw, error
        except StopIteration as end:
            return end.value
        finally:
            with mode():
                inner.close()

    return generator


class set_grad_enabled:
    """Switch graph building on or off: a call, a ``with`` block or a decorator.

    Parameters
    ----------
    mode
        True to build graphs, False not to.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.ones(2, requires_grad=True)
    >>> with mg.set_grad_enabled(False):
    ...     print((x * 2).requires_grad)
    False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._tokens: list[Token[bool]] = [grad_enabled.set(bool(mode))]

    def __enter__(self) -> None:
        self._tokens.append(grad_enabled.set(self.mode))

    def __exit__(self, *exc: object) -> None:
        # The first token is that of the call itself; leaving the block undoes both.
        while self._tokens:
            grad_enabled.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Let a function run in this mode."""
        while self._tokens:  # a decorator changes nothing outside the function
            grad_enabled.reset(self._tokens.pop())
        return (enable_grad if self.mode else no_grad)()(function)


class _GradMode:
    """A grad mode as a ``with`` block or a decorator; one object may be entered many times."""

    mode: bool

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self._tokens: list[Token[bool]] = []

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        # ``@no_grad`` without brackets, as PyTorch allows.
        return super().__new__(cls) if function is None else cls()(function)

    def __enter__(self) -> None:
        self._tokens.append(grad_enabled.set(self.mode))

    def __exit__(self, *exc: object) -> None:
        grad_enabled.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        found: Callable[P, R] = _in_mode(type(self), function)
        return found


class no_grad(_GradMode):
    """Build no graph in a ``with`` block or in a decorated function.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.ones(2, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    mode = False


class enable_grad(_GradMode):
    """Build a graph again inside a ``no_grad`` block, as a ``with`` block or a decorator."""

    mode = True


class inference_mode(no_grad):
    """PyTorch's name for a stricter ``no_grad``; here the two are the same."""
