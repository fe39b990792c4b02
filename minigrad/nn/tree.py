"""What a module is made of: parameters, buffers and submodules, each by name and in order.

Assigning an attribute registers it: a ``Parameter`` among the parameters, a module among the submodules.
So a module is a tree, and everything in it has a path of names, such as ``layer1.0.conv1.weight``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.nn.parameter import Parameter
from minigrad.nn.table import Table, kinds_of, structure_changed
from minigrad.nn.walk import Walk
from minigrad.tensors.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module


class Tree(Walk):
    """Registers parameters, buffers and submodules, and makes attributes of them."""

    _non_persistent: dict[str, None]

    def __init__(self) -> None:
        self.__dict__.update(_kinds={}, _non_persistent={})

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
        if module is not None and not isinstance(module, Tree):
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
        elif isinstance(value, Tree):
            self._make_room(name, "_modules")
            self.add_module(name, value)  # type: ignore[arg-type]
        else:
            kind = self.__dict__.get("_kinds", {}).get(name)
            if kind is None:
                object.__setattr__(self, name, value)
                if name == "forward":
                    structure_changed()  # what runs below may be the user's own code now
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
