"""Names of PyTorch that do nothing here: they stand in a file's way only because it can't be imported without them.

minigrad compiles no scripts, traces no graphs ahead of time, has no GPU and one precision at a time. So the decorators
here give back what they are given, the contexts change nothing, the switches can be set and are read by nobody, and
what would fetch weights from the net says that it doesn't.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final, Optional, TypeVar

import numpy as np

from minigrad import arguments
from minigrad.random import manual_seed

T = TypeVar("T")


def unchanged(function: T, *args: Any, **kwargs: Any) -> T:
    """A decorator that gives back what it decorates."""
    return function


def unused(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The same, which may also be called with settings first: ``@unused(drop=True)``."""
    return function if callable(function) else unchanged


def no(*args: Any, **kwargs: Any) -> bool:
    """False: that isn't there, or isn't going on."""
    return False


def none(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def zero(*args: Any, **kwargs: Any) -> int:
    """0: so many are there."""
    return 0


@contextlib.contextmanager
def context(*args: Any, **kwargs: Any) -> Iterator[None]:
    """A context, or a decorator, that changes nothing."""
    yield


def annotate(the_type: Any, the_value: T) -> T:
    """The value; the type is for a compiler that isn't there."""
    return the_value


def _assert(condition: Any, message: str = "") -> None:
    """An assertion that a tracer would see.

    Raises
    ------
    AssertionError
        If the condition doesn't hold.
    """
    if isinstance(condition, np.ndarray) and condition.size != 1:
        raise arguments.wrong_kind("_assert", "condition", "True or False", condition)
    if not condition:
        raise AssertionError(message)


def not_from_the_net(url: str = "", *args: Any, **kwargs: Any) -> Any:
    """Refuse to fetch weights.

    Raises
    ------
    RuntimeError
        Always.
    """
    raise RuntimeError(
        f"minigrad fetches no weights ({url}): make the model with pretrained=False, or load a file with minigrad.load"
    )


class NoTensor:
    """The type of tensors on a device that isn't there: no tensor is one, and none can be made."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __instancecheck__(self, x: object) -> bool:
        return False

    def __call__(self, *args: Any) -> Any:
        """Refuse.

        Raises
        ------
        RuntimeError
            Always.
        """
        raise RuntimeError(f"cuda.{self.__name__}: there is no GPU, use minigrad.{self.__name__}")


class GradScaler:
    """Scales nothing: float32 needs no loss scaling."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def scale(self, outputs: T) -> T:
        """The loss as it is."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing to undo."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step."""
        if not hasattr(optimizer, "step"):
            raise arguments.wrong_kind("GradScaler.step", "optimizer", "an optimizer", optimizer)
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing to adapt."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """There is no state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """There is no state."""


def _module(path: str, **names: Any) -> ModuleType:
    """A module of such names, which ``import minigrad.path`` finds."""
    module = ModuleType(f"minigrad.{path}", f"Does nothing: see minigrad/nothing.py. Names: {', '.join(names)}.")
    vars(module).update(names)
    sys.modules[module.__name__] = module
    return module


_script: dict[str, Callable[..., Any]] = dict.fromkeys(
    ("script", "script_if_tracing", "_script_if_tracing", "export", "ignore", "interface", "_overload_method"),
    unchanged,
)
_typing = _module("jit.annotations", List=list, Dict=dict, Tuple=tuple, Optional=Optional, BroadcastingList2=list)
jit = _module(
    "jit", annotations=_typing, **_script, unused=unused, is_scripting=no, is_tracing=no, annotate=annotate, Final=Final
)
fx = _module("fx", wrap=unchanged)
amp = _module("amp", autocast=context, GradScaler=GradScaler)
cuda = _module(
    "cuda",
    amp=_module("cuda.amp", autocast=context, GradScaler=GradScaler),
    is_available=no,
    is_bf16_supported=no,
    device_count=zero,
    memory_allocated=zero,
    max_memory_allocated=zero,
    manual_seed=manual_seed,
    manual_seed_all=manual_seed,
    current_device=zero,
    set_device=none,
    reset_peak_memory_stats=none,
    empty_cache=none,
    synchronize=none,
    **{
        f"{kind}Tensor": NoTensor(f"{kind}Tensor")
        for kind in ("Float", "Double", "Half", "Long", "Int", "Byte", "Bool")
    },
)
backends = _module(
    "backends",
    cudnn=_module("backends.cudnn", version=none, benchmark=False, deterministic=True, enabled=False, is_available=no),
    mps=_module("backends.mps", is_available=no, is_built=no),
    cuda=_module("backends.cuda", is_built=no, matmul=_module("backends.cuda.matmul", allow_tf32=False)),
)
autocast = context
hub = _module("hub", load_state_dict_from_url=not_from_the_net, load=not_from_the_net)
model_zoo = _module("utils.model_zoo", load_url=not_from_the_net)


def compile(model: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The model as it is."""
    if model is not None:
        arguments.function("compile", "model", model)
    return unused(model)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Every run is the same to the bit as it is."""


def set_float32_matmul_precision(precision: str) -> None:
    """Products are always of full precision."""


def set_printoptions(*args: Any, **kwargs: Any) -> None:
    """Tensors print as NumPy's arrays do: see ``numpy.set_printoptions``."""
