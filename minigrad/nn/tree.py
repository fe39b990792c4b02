"""What a module is made of: parameters, buffers and submodules, each by name and in order.

Assigning an attribute registers it: a ``Parameter`` among the parameters, a module among the submodules.
So a module is a tree, and everything in it has a path of names, such as ``layer1.0.conv1.weight``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.nn.parameter import Parameter
from minigrad.nn.walk import Walk
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module

_TABLES = ("_parameters", "_buffers", "_modules")

_version = 0


def structure_version() -> int:
    """A number that changes whenever a submodule is registered or removed anywhere."""
    return _version


def structure_changed() -> None:
    """Note that paths may have changed."""
    global _version
    _version += 1


class Tree(Walk):
    """Registers parameters, buffers and submodules, and makes attributes of them."""

    _non_persistent: dict[str, None]

    def __init__(self) -> None:
        for table in (*_TABLES, "_non_persistent"):
            object.__setattr__(self, table, {})

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
        structure_changed()

    def register_module(self, name: str, module: Module | None) -> None:
        """PyTorch's other name for ``add_module``."""
        self.add_module(name, module)

    def _check_name(self, name: str, table: str) -> None:
        self._check_initialised(name)
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, not {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{name!r} can't be a name: it must not be empty or contain a dot")
        if name not in self.__dict__[table] and hasattr(self, name):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")

    def _check_initialised(self, name: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"{name!r} was used before {type(self).__name__} was initialised: "
                "call super().__init__() first in its __init__()"
            )

    # -- attributes --------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._make_room(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Tree):
            self._make_room(name, "_modules")
            self.add_module(name, value)  # type: ignore[arg-type]
        else:
            table = self._table_of(name)
            if table is None:
                object.__setattr__(self, name, value)
                return
            if value is not None and not (table == "_buffers" and isinstance(value, Tensor)):
                kind = {"_parameters": "an nn.Parameter", "_modules": "a Module", "_buffers": "a tensor"}[table]
                raise TypeError(
                    f"{type(self).__name__}.{name} must be {kind} or None, not {type(value).__name__}: "
                    f"to put something else there, say `del module.{name}` first"
                )
            self.__dict__[table][name] = value
            if table == "_modules":
                structure_changed()

    def _make_room(self, name: str, table: str) -> None:
        """Take away what has this name, unless it stands in this table already and keeps its place."""
        self._check_initialised(name)
        self.__dict__.pop(name, None)
        if self._table_of(name) not in (None, table):
            delattr(self, name)

    def _table_of(self, name: str) -> str | None:
        for table in _TABLES:
            if name in self.__dict__.get(table, ()):
                return table
        return None

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for what is no ordinary attribute. Layers come here for every parameter in
        # every forward, so it is written without a loop.
        own = self.__dict__
        if "_parameters" in own:
            if name in own["_parameters"]:
                return own["_parameters"][name]
            if name in own["_modules"]:
                return own["_modules"][name]
            if name in own["_buffers"]:
                return own["_buffers"][name]
        elif not name.startswith("__"):
            self._check_initialised(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        table = self._table_of(name)
        if table is None:
            object.__delattr__(self, name)
            return
        del self.__dict__[table][name]
        self._non_persistent.pop(name, None)
        if table == "_modules":
            structure_changed()

    def __dir__(self) -> list[str]:
        names = [*object.__dir__(self), *(name for table in _TABLES for name in self.__dict__.get(table, ()))]
        return sorted(dict.fromkeys(name for name in names if not name[0].isdigit()))
