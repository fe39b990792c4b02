"""A module: parameters and submodules under names, and a forward that uses them.

While a module runs, the engine knows its path (``blocks.0.fc1``), and every node that is made then records
it: this is where the names in a trace, a ledger or a picture come from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.running import OUTSIDE, running
from minigrad.engine.source import is_ours, user_place
from minigrad.nn.calls import CallRecord, Naming
from minigrad.nn.hooks import Hooked
from minigrad.nn.state import State
from minigrad.nn.table import structure_version
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import clear_gradients

M = TypeVar("M", bound="Module")


class Module(Hooked, State):
    """The base class of layers and models.

    A subclass calls ``super().__init__()``, assigns parameters and submodules to attributes, and says in
    ``forward`` what is computed.

    Attributes
    ----------
    training
        Whether dropout and batch normalisation behave as in training.

    Examples
    --------
    >>> import minigrad as mg
    >>> class Net(mg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = mg.nn.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.fc(x).relu()
    >>> net = Net()
    >>> net
    Net(
      (fc): Linear(in_features=3, out_features=2, bias=True)
    )
    >>> net(mg.ones(1, 3)).node.inputs[0].node.module
    'fc'
    """

    training: bool = True

    # Whether forward is the package's own; and, in a module, whether all that it runs is. (This and ``_call_record``
    # are no names that users give to attributes of theirs, such as ``_path`` and ``_hooks``.)
    _sealed: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_call_record"] = CallRecord()

    def __init_subclass__(cls) -> None:
        cls._sealed = is_ours(cls.forward)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and the hooks around it, and tell the engine which module is running."""
        # Every layer comes through here, so this looks at few attributes: a class with a ``__getattr__`` has slow ones.
        record = self._call_record
        module = running.module
        outer = path, place, sealed = module.now
        if outer is OUTSIDE and (record.naming is None or record.naming.version != structure_version()):
            self._name_modules()
        if record.path is not None:
            path = record.path
        if not sealed:
            place = user_place()
        module.now = path, place, record.sealed
        try:
            if record.hooks is not None:
                return record.hooks.run(self, args, kwargs)
            if len(args) == 1 and not kwargs:  # the usual call, spelt out because that is faster
                return self.forward(args[0])
            return self.forward(*args, **kwargs)
        finally:
            module.now = outer

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(): define what it computes")

    def _name_modules(self) -> None:
        """Tell every module below this one, the outermost, its path."""
        naming = Naming(structure_version())
        for path, module in self.named_modules():
            module._call_record.name(path, naming, module._sealed and "forward" not in module.__dict__)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle keeps: all but the path, which a copy finds out for itself."""
        # A shallow copy has tables of its own, as its attributes are its own.
        own = {"_kinds": dict(self._kinds), "_non_persistent": dict(self._non_persistent)}
        return {**self.__dict__, **own, "_call_record": CallRecord(self._call_record.hooks)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take it over. (Defined so that copying never asks a subclass's ``__getattr__``, which needs the state.)"""
        self.__dict__.update(state)

    # -- changing all of it ------------------------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Switch this module and all below it to training, or with False to evaluation.

        Raises
        ------
        ValueError
            If ``mode`` is neither True nor False.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"train(mode) takes True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Switch this module and all below it to evaluation."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Switch whether gradients are to reach the parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zeros."""
        clear_gradients(self.parameters(), set_to_none)

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """Call ``fn`` with every module, the children first; for initialising, say."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self: M, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> M:
        """Convert the floating-point parameters and buffers: ``to(float64)``, ``to("cpu")``, ``to(other)``.

        Parameters
        ----------
        args
            A dtype, a device, or a tensor whose dtype is taken.
        device, non_blocking
            Accepted; the only device is the CPU.
        dtype
            A floating-point dtype.

        Raises
        ------
        TypeError
            If it is no floating-point dtype.
        RuntimeError
            For another device than the CPU.
        """
        for given in args:
            if isinstance(given, TensorBase):
                dtype = given.array.dtype
            elif isinstance(given, (np.dtype, type)):
                dtype = given
            elif not isinstance(given, bool):
                check_device(given)
        check_device(device)
        if dtype is None:
            return self
        wanted = np.dtype(dtype)
        if wanted.kind != "f":
            raise TypeError(f"a module's dtype must be a floating-point one, not {wanted}")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.array.dtype.kind == "f" and tensor.array.dtype != wanted:
                gradient = tensor.grad
                tensor.array = tensor.array.astype(wanted)
                tensor.grad = None if gradient is None else gradient.detach().to(wanted)
        return self

    def float(self: M) -> M:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self: M) -> M:
        """Convert to float64."""
        return self.to(np.float64)

    def half(self: M) -> M:
        """Convert to float16."""
        return self.to(np.float16)

    def cpu(self: M) -> M:
        """Give back the module itself."""
        return self

    def cuda(self: M, device: Any = "cuda") -> M:
        """Always an error: there is only the CPU."""
        check_device(device)
        return self

    # -- what it looks like ------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The settings that a layer shows in its repr."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        children = [f"({name}): {_indented(repr(module))}" for name, module in self._modules.items()]
        return framed(self._get_name(), self.extra_repr(), children)


def framed(name: str, extra: str, children: list[str]) -> str:
    """A module's repr from its name, its settings and the reprs of its children."""
    if not children and "\n" not in extra:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *([_indented(extra)] if extra else []), *children]) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
