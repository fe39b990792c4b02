"""A module: parameters and submodules under names, and a forward that uses them.

Assigning an attribute registers it: a ``Parameter`` among the parameters, a module among the submodules. So a module
is a tree, and everything in it has a path of names, such as ``layer1.0.conv1.weight``.

While a module runs, the engine knows its path (``blocks.0.fc1``), and every node that is made then records it: this is
where the names in a trace, a ledger or a picture come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from minigrad import arguments
from minigrad.arguments import function, wrong_kind
from minigrad.engine.base import TensorBase
from minigrad.engine.running import OUTSIDE, running
from minigrad.engine.source import user_place
from minigrad.nn import calls, hooks, state
from minigrad.nn.calls import CallRecord, name_modules, structure_changed
from minigrad.nn.parameter import Parameter
from minigrad.nn.table import Table, kinds_of
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import RemovableHandle, Tensor, clear_gradients

M = TypeVar("M", bound="Module")


class Module:
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

    #: For a file of another package: what makes a layer of ours of one of its layers (einops_backend.py puts some).
    _translations: ClassVar[dict[str, Callable[[Any], Module]]] = {}
    _kinds: dict[str, str]
    _non_persistent: dict[str, None]
    _call_record: CallRecord

    def __init__(self) -> None:
        self.__dict__.update(_kinds={}, _non_persistent={}, _call_record=CallRecord())

    # -- calling -----------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and the hooks around it, and tell the engine which module is running."""
        # Every layer comes through here, so this looks at few attributes: a class with a ``__getattr__`` has slow ones.
        record = self._call_record
        module = running.module
        outer = path, place, sealed = module.now
        if outer is OUTSIDE and record.version != calls.version:
            name_modules(self)
        if record.path is not None:
            path = record.path
        if not sealed:
            place = user_place()
        module.now = path, place, record.sealed
        try:
            if record.hooks is not None:
                return hooks.run(self, args, kwargs)
            if len(args) == 1 and not kwargs:  # the usual call, spelt out because that is faster
                return self.forward(args[0])
            return self.forward(*args, **kwargs)
        finally:
            module.now = outer

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(): define what it computes")

    # -- registering -------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or reserve its name with None.

        Raises
        ------
        TypeError
            If it is no Parameter.
        ValueError
            If it was computed: only leaves can be learnt.
        """
        self._check_name(name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"{name!r} is a {type(param).__name__}: wrap it in nn.Parameter(...) to register it")
        if param is not None and param.node is not None:
            raise ValueError(f"parameter {name!r} was computed by {param.node.name}: compute it in forward() instead")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but isn't learnt, such as a running mean.

        Parameters
        ----------
        persistent
            Whether ``state_dict`` contains it.

        Raises
        ------
        TypeError
            If it is no tensor.
        """
        self._check_name(name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"buffer {name!r} must be a tensor or None, not {type(tensor).__name__}")
        arguments.truths("register_buffer", persistent=persistent)
        self._buffers[name] = tensor
        self._non_persistent.pop(name, None)
        if not persistent:
            self._non_persistent[name] = None

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule.

        Raises
        ------
        TypeError
            If it is no module.
        """
        self._check_name(name, "_modules")
        translate = self._translations.get(type(module).__module__)
        if translate is not None:
            module = translate(module)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"submodule {name!r} must be a Module or None, not {type(module).__name__}")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """PyTorch's other name for ``add_module``."""
        self.add_module(name, module)

    def _check_name(self, name: str, table: str) -> None:
        kinds = kinds_of(self)
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, not {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{name!r} can't be a name: it must not be empty or contain a dot")
        # (Not hasattr, which may ask a subclass's ``__getattr__`` for what isn't there yet.)
        taken = name in self.__dict__ or any(name in cls.__dict__ for cls in type(self).__mro__)
        if kinds.get(name) != table and taken:
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")

    # -- attributes --------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._make_room(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._make_room(name, "_modules")
            self.add_module(name, value)
        else:
            kind = self.__dict__.get("_kinds", {}).get(name)
            if kind is None:
                object.__setattr__(self, name, value)
                if callable(value):
                    structure_changed()  # what forward runs may be the user's own code now
                return
            if value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
                wanted = {"_parameters": "an nn.Parameter", "_modules": "a Module", "_buffers": "a tensor"}[kind]
                raise TypeError(
                    f"{type(self).__name__}.{name} must be {wanted} or None, not {type(value).__name__}: "
                    f"to put something else there, say `del module.{name}` first"
                )
            Table(self, kind)[name] = value

    def _make_room(self, name: str, kind: str) -> None:
        """Take away what has this name, unless it is registered as this kind already and keeps its place."""
        if kinds_of(self).get(name) != kind and name in self.__dict__:
            delattr(self, name)

    def __getattr__(self, name: str) -> Any:
        # Python asks here for what is no attribute. Files written for PyTorch ask for what is registered, too.
        if name in kinds_of(self):
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        kind = self.__dict__.get("_kinds", {}).get(name)
        if kind is None:
            object.__delattr__(self, name)
        else:
            del Table(self, kind)[name]
            self._non_persistent.pop(name, None)

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name[0].isdigit())

    # -- walking -----------------------------------------------------------------------------------

    @property
    def _parameters(self) -> MutableMapping[str, Parameter | None]:
        return Table(self, "_parameters")

    @property
    def _buffers(self) -> MutableMapping[str, Tensor | None]:
        return Table(self, "_buffers")

    @property
    def _modules(self) -> MutableMapping[str, Module | None]:
        return Table(self, "_modules")

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Walk through this module and all below it, each with its path; the first path is ``prefix``."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Walk through the module itself and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, each once, by name."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths, in the order in which they were registered.

        Parameters
        ----------
        prefix
            Put in front of every path.
        recurse
            Whether to go through submodules.
        remove_duplicate
            Whether a parameter that is shared by several modules is given only once, by its first path.
        """
        return self._walk("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once, in the order in which they were registered."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths; arguments as for ``named_parameters``."""
        return self._walk("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _walk(self, table: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        below = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in below:
            for name, tensor in getattr(module, table).items():
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield (f"{path}.{name}" if path else name), tensor

    # -- by path -----------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The submodule at a path such as ``layer1.0.conv1``; ``""`` is this module.

        Raises
        ------
        AttributeError
            If there is none.
        """
        module: Module = self
        for name in target.split(".") if _path(target) else ():
            module = module._find("_modules", name, target)
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``layer1.0.conv1.weight``.

        Raises
        ------
        AttributeError
            If there is none.
        """
        path, _, name = _path(target).rpartition(".")
        return self.get_submodule(path)._find("_parameters", name, target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as ``layer1.0.bn1.running_mean``.

        Raises
        ------
        AttributeError
            If there is none.
        """
        path, _, name = _path(target).rpartition(".")
        return self.get_submodule(path)._find("_buffers", name, target)

    def _find(self, table: str, name: str, target: str) -> Any:
        """What is registered here under a name, the last in the path that was asked for."""
        registered = getattr(self, table)
        if registered.get(name) is None:
            kind, names = table[1:-1].replace("module", "submodule"), ", ".join(registered) or "none"
            raise AttributeError(f"{target!r}: {type(self).__name__} has no {kind} {name!r}; it has {names}")
        return registered[name]

    # -- state and hooks ---------------------------------------------------------------------------

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """All parameters and persistent buffers by path; they share their memory with the module.

        Parameters
        ----------
        destination
            A dictionary to add them to.
        prefix
            Put in front of every path.
        keep_vars
            Give the parameters themselves, not tensors detached from the graph.
        """
        return state.take(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Take over the values of a state dictionary.

        Everything is checked before anything is written: after an error the module is as it was.

        Parameters
        ----------
        state_dict
            Tensors or arrays by path.
        strict
            Whether every key must be on both sides.
        assign
            Take the arrays themselves, with their dtype, and not their values.

        Returns
        -------
        IncompatibleKeys
            The missing and the unexpected keys.

        Raises
        ------
        OperationError
            If shapes differ or, with ``strict``, keys; the message lists every one of them. Also for values that are
            no numbers, or complex ones.

        Examples
        --------
        >>> from minigrad import nn
        >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>
        """
        return state.load(self, state_dict, strict, assign)

    def register_forward_pre_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before every forward; what it returns replaces the arguments.

        Parameters
        ----------
        prepend
            Run it before the hooks that are there.
        with_kwargs
            Call ``hook(module, args, kwargs)``; it may return a pair of both.
        """
        return hooks.register(self, "before", (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every forward; what it returns replaces the output.

        Parameters
        ----------
        prepend
            Run it before the hooks that are there.
        with_kwargs
            Call ``hook(module, args, kwargs, output)``.
        """
        return hooks.register(self, "after", (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are complete.

        Both are tuples, with None for what is no tensor or gets no gradient; a tuple that the hook returns
        replaces ``grad_input``. The gradients can't be written to.
        """
        return hooks.register(self, "backward", hook, prepend)

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; what it returns replaces them."""
        return hooks.register(self, "backward before", hook, prepend)

    # -- copying -----------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle keeps: all but the path, which a copy works out anew."""
        # (A shallow copy has tables of its own, as its attributes are its own.)
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
        arguments.truths("zero_grad", set_to_none=set_to_none)
        clear_gradients(self.parameters(), set_to_none)

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """Call ``fn`` with every module, the children first; for initialising, say."""
        function("apply", "fn", fn)
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
        wanted = arguments.dtype("to", dtype)
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
        children = []
        for name, module in self._modules.items():  # (A comprehension would be one more frame a level.)
            children.append(f"({name}): {_indented(repr(module))}")
        return framed(self._get_name(), self.extra_repr(), children)


def _path(target: Any) -> str:
    """A path of names.

    Raises
    ------
    TypeError
        If it is no text.
    """
    if not isinstance(target, str):
        raise wrong_kind("a module", "target", "a path, such as 'layer1.0.conv1'", target)
    return target


def framed(name: str, extra: str, children: list[str]) -> str:
    """A module's repr from its name, its settings and the reprs of its children."""
    if not children and "\n" not in extra:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *([_indented(extra)] if extra else []), *children]) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
