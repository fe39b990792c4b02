"""Modules that hold others: one after the other, as a list, or by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any, TypeVar, overload

from minigrad.arguments import integer, out_of_range, wrong_kind
from minigrad.nn.module import Module, framed

L = TypeVar("L", bound="_Listed")


def as_list(operation: str, values: Any) -> list[Any]:
    """What can be gone through, as a list; anything else is a TypeError."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise wrong_kind(operation, "what is added", "a list, or what can be gone through as one", values)
    return list(values)


def as_pairs(operation: str, values: Any) -> list[Any]:
    """The pairs of a mapping, or pairs that were given.

    Raises
    ------
    TypeError
        For anything else.
    """
    if hasattr(values, "keys") and hasattr(values, "items"):
        return list(values.items())
    pairs = as_list(operation, values)
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise wrong_kind(operation, "what is added", "a mapping, or pairs of a name and a value", values)
    return pairs


def found(holder: Module, held: Mapping[str, Any], key: Any) -> Any:
    """What a holder has under a name.

    Raises
    ------
    KeyError
        If there is nothing; it says the names.
    """
    if not isinstance(key, str) or key not in held:
        raise KeyError(f"{type(holder).__name__} holds no {key!r}: it holds {', '.join(held) or 'nothing'}")
    return held[key]


class _Listed(Module):
    """Submodules under the names ``"0"``, ``"1"`` and so on; what Sequential and ModuleList share."""

    def _place(self, index: Any) -> int:
        """An index counted from 0.

        Raises
        ------
        IndexError
            If it is out of range.
        """
        place = integer(type(self).__name__, "index", index)
        if not -len(self) <= place < len(self):
            raise out_of_range(type(self).__name__, "index", f"one of {len(self)} modules", index)
        return place % len(self)

    def _fill(self, modules: Iterable[tuple[str, Module | None]]) -> None:
        """Hold these modules and no others."""
        for name in list(self._modules):
            delattr(self, name)
        for name, module in modules:
            self.add_module(name, module)

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        self._fill((str(i), module) for i, module in enumerate(modules))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __contains__(self, module: object) -> bool:
        return any(held is module for held in self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[self._place(index)], module)

    def append(self: L, module: Module) -> L:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: L, modules: Iterable[Module]) -> L:
        """Add several modules at the end."""
        for module in as_list(type(self).__name__, modules):
            self.append(module)
        return self

    def insert(self: L, index: int, module: Module) -> L:
        """Put a module before the one at ``index``; those behind it move on."""
        held = list(self)
        held.insert(integer(type(self).__name__, "index", index), module)
        self._renumber(held)
        return self

    def pop(self, index: int | slice = -1) -> Any:
        """Take a module out, and give it back."""
        taken = self[index]
        del self[index]
        return taken

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __delitem__(self, index: int | slice) -> None:
        held = list(self)
        del held[index if isinstance(index, slice) else self._place(index)]
        self._renumber(held)


class Sequential(_Listed):
    """Modules that run one after the other, each on what the one before gave.

    Parameters
    ----------
    args
        The modules, or one ``OrderedDict`` of them by name.

    Examples
    --------
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> net[-1]
    Linear(in_features=4, out_features=2, bias=True)
    >>> len(net[:2])
    2
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            self._fill(args[0].items())
        else:
            self._renumber(args)

    def forward(self, input: Any) -> Any:
        """Run the modules one after the other."""
        own = self.__dict__
        try:
            for name, kind in self._kinds.items():
                if kind == "_modules":
                    input = own[name](input)
        except TypeError:
            if own[name] is None:
                raise wrong_kind("Sequential", f"module {name!r}", "a Module", None) from None
            raise
        return input

    def __getitem__(self, index: Any) -> Any:
        """One module, or a Sequential of those in a slice, under the names that they have here."""
        named = list(self._modules.items())
        if isinstance(index, slice):
            return Sequential(OrderedDict(named[index]))
        return named[self._place(index)][1]

    def __delitem__(self, index: int | slice) -> None:
        """Take modules out; where all names were numbers, those behind move up."""
        named = list(self._modules.items())
        numbered = [name for name, _ in named] == [str(i) for i in range(len(named))]
        del named[index if isinstance(index, slice) else self._place(index)]
        if numbered:
            self._renumber(module for _, module in named)
        else:
            self._fill(named)

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *as_list("Sequential", other))


class ModuleList(_Listed):
    """A list of modules that is part of its owner; the owner's ``forward`` says how they run.

    Parameters
    ----------
    modules
        The modules, in order.

    Examples
    --------
    >>> from minigrad import nn
    >>> [name for name, _ in nn.ModuleList([nn.Linear(1, 1)]).named_parameters()]
    ['0.weight', '0.bias']
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self._renumber(() if modules is None else as_list("ModuleList", modules))

    def __getitem__(self, index: Any) -> Any:
        """One module, or a ModuleList of those in a slice."""
        held = list(self)
        return ModuleList(held[index]) if isinstance(index, slice) else held[self._place(index)]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, as_list("ModuleList", other)))

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __repr__(self) -> str:
        """As PyTorch's: equal neighbours stand in one line, ``(0-3): 4 x Linear(...)``."""
        runs: list[tuple[int, int, str]] = []
        for i, module in enumerate(self):
            text = repr(module)  # here, not in a generator: that would be one more frame a level
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        children = []
        for first, last, text in runs:
            label = f"({first}): " if first == last else f"({first}-{last}): {last - first + 1} x "
            children.append(label + text.replace("\n", "\n  "))
        return framed(self._get_name(), self.extra_repr(), children)


class ModuleDict(Module):
    """Modules by name, as part of their owner; the owner's ``forward`` says how they run.

    Parameters
    ----------
    modules
        A mapping, or pairs of a name and a module.

    Examples
    --------
    >>> from minigrad import nn
    >>> list(nn.ModuleDict({"relu": nn.ReLU()}))
    ['relu']
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(() if modules is None else modules)

    def __getitem__(self, key: str) -> Any:
        return found(self, self._modules, key)

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        for key in list(self):
            self.pop(key)

    def pop(self, key: str) -> Any:
        """Take a module out, and give it back."""
        module = found(self, self._modules, key)
        delattr(self, key)
        return module

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of a name and a module."""
        return self._modules.items()

    def values(self) -> ValuesView[Any]:
        """The modules."""
        return self._modules.values()

    @overload
    def update(self, modules: Mapping[str, Module]) -> None: ...

    @overload
    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None: ...

    def update(self, modules: Any) -> None:
        """Add modules, or put them in the place of those of the same name."""
        for key, module in as_pairs("ModuleDict", modules):
            self[key] = module
