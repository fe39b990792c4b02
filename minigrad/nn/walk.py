"""Walking through a module: all that is registered in it and below it, in order and with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from minigrad.nn.parameter import Parameter
from minigrad.nn.table import Table
from minigrad.tensors.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module


class Walk:
    """The tables of what is registered, and the ways to walk through them."""

    _kinds: dict[str, str]

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
        yield prefix, self  # type: ignore[misc]  # every Walk is a Module
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Walk through the module itself and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, each once, by name."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        for _, module in self.named_children():
            yield module

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
        yield from self._walk(lambda module: module._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once, in the order in which they were registered."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths; arguments as for ``named_parameters``."""
        yield from self._walk(lambda module: module._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _walk(
        self, table: Callable[[Walk], MutableMapping[str, Any]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        below = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in below:
            for name, tensor in table(module).items():
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
        module: Walk = self
        for name in target.split(".") if target else ():
            found = module._modules.get(name)
            if found is None:
                names = ", ".join(module._modules) or "none"
                raise AttributeError(f"{target!r}: {type(module).__name__} has no submodule {name!r}; it has {names}")
            module = found
        return module  # type: ignore[return-value]  # every Walk is a Module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``layer1.0.conv1.weight``.

        Raises
        ------
        AttributeError
            If there is none.
        """
        found: Parameter = self._get_tensor(target, "_parameters")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as ``layer1.0.bn1.running_mean``.

        Raises
        ------
        AttributeError
            If there is none.
        """
        found: Tensor = self._get_tensor(target, "_buffers")
        return found

    def _get_tensor(self, target: str, table: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = getattr(module, table).get(name)
        if found is None:
            names = ", ".join(getattr(module, table)) or "none"
            kind = table[1:-1]
            raise AttributeError(f"{target!r}: {type(module).__name__} has no {kind} {name!r}; it has {names}")
        return found
