"""PyTorch's tables of what is registered in a module, as views of its attributes.

What is registered is an ordinary attribute of the module, which Python finds fastest, and ``_kinds`` notes its
name. The tables ``_parameters``, ``_buffers`` and ``_modules`` are views of those attributes.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

from minigrad.nn.calls import structure_changed


def kinds_of(module: Any) -> dict[str, str]:
    """The name of all that is registered in a module, and in which table it is.

    Raises
    ------
    AttributeError
        Before ``Module.__init__`` has run.
    """
    kinds: dict[str, str] | None = module.__dict__.get("_kinds")
    if kinds is None:
        name = type(module).__name__
        raise AttributeError(
            f"{name} was used before it was initialised: call super().__init__() first in its __init__()"
        )
    return kinds


class Table(MutableMapping[str, Any]):
    """All of one kind that is registered in a module; changing it changes the module's attributes."""

    def __init__(self, module: Any, kind: str) -> None:
        self._attributes = module.__dict__
        self._kinds = kinds_of(module)
        self._kind = kind

    def __getitem__(self, name: str) -> Any:
        if self._kinds.get(name) != self._kind:
            raise KeyError(name)
        return self._attributes[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._kinds[name] = self._kind
        self._attributes[name] = value
        if self._kind == "_modules":
            structure_changed()

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        del self._kinds[name], self._attributes[name]
        if self._kind == "_modules":
            structure_changed()

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, kind in self._kinds.items() if kind == self._kind])

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def __len__(self) -> int:
        return sum(kind == self._kind for kind in self._kinds.values())

    def __contains__(self, name: object) -> bool:
        return (name, self._kind) in self._kinds.items()

    def popitem(self) -> tuple[str, Any]:
        """Take out what was registered last, as from a dictionary."""
        for name in reversed(self):
            return name, self.pop(name)
        raise KeyError("nothing is registered")

    def copy(self) -> dict[str, Any]:
        """The names and what they stand for, as a dictionary of its own."""
        own = self._attributes
        return {name: own[name] for name, kind in self._kinds.items() if kind == self._kind}

    # Views of a copy: so they can be reversed, and what they show may be removed meanwhile.
    def keys(self) -> KeysView[str]:
        """The names."""
        return self.copy().keys()

    def values(self) -> ValuesView[Any]:
        """What the names stand for."""
        return self.copy().values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of both."""
        return self.copy().items()

    def __repr__(self) -> str:
        return repr(dict(self))
