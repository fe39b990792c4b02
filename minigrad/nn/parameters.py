"""Parameters held as a list or by name."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from minigrad.arguments import integer, out_of_range
from minigrad.engine.base import TensorBase
from minigrad.nn.container import as_list, as_pairs, found
from minigrad.nn.module import Module, framed
from minigrad.nn.parameter import Parameter


def _as_parameter(value: Any) -> Parameter:
    """A parameter as it is; a tensor becomes one.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, Parameter):
        return value
    if isinstance(value, TensorBase):
        return Parameter(value)
    raise TypeError(f"a {type(value).__name__} is no parameter: wrap it in nn.Parameter(...)")


class _ParameterHolder(Module):
    """What ParameterList and ParameterDict share."""

    _parameters: dict[str, Parameter]  # type: ignore[assignment]  # None is never put here

    def __len__(self) -> int:
        return len(self._parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"a {type(self).__name__} can't be called: take parameters out of it")

    def __repr__(self) -> str:
        rows = [
            f"({name}): Parameter containing: [{p.array.dtype} of shape {p.array.shape}]"
            for name, p in self._parameters.items()
        ]
        return framed(self._get_name(), "", rows)


class ParameterList(_ParameterHolder):
    """A list of parameters that is part of its owner.

    Parameters
    ----------
    values
        Parameters; tensors become ones.

    Examples
    --------
    >>> import minigrad as mg
    >>> scales = mg.nn.ParameterList([mg.zeros(1), mg.zeros(1)])
    >>> [name for name, _ in scales.named_parameters()]
    ['0', '1']
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def _name(self, index: Any) -> str:
        place = integer("ParameterList", "index", index)
        if not -len(self) <= place < len(self):
            raise out_of_range("ParameterList", "index", f"one of {len(self)} parameters", index)
        return str(place % len(self))

    def __getitem__(self, index: Any) -> Any:
        """One parameter, or a ParameterList of those in a slice."""
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return self._parameters[self._name(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self.register_parameter(self._name(index), _as_parameter(value))

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add several parameters at the end."""
        for value in as_list("ParameterList", values):
            self.append(value)
        return self


class ParameterDict(_ParameterHolder):
    """Parameters by name, as part of their owner.

    Parameters
    ----------
    parameters
        A mapping, or pairs of a name and a parameter; tensors become parameters.

    Examples
    --------
    >>> import minigrad as mg
    >>> list(mg.nn.ParameterDict({"left": mg.zeros(1)}).keys())
    ['left']
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(() if parameters is None else parameters)

    def __getitem__(self, key: str) -> Parameter:
        parameter: Parameter = found(self, self._parameters, key)
        return parameter

    def __setitem__(self, key: str, value: Any) -> None:
        self.register_parameter(key, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def pop(self, key: str) -> Parameter:
        """Take a parameter out, and give it back."""
        parameter: Parameter = found(self, self._parameters, key)
        delattr(self, key)
        return parameter

    def clear(self) -> None:
        """Take all parameters out."""
        for key in list(self):
            self.pop(key)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._parameters.keys()

    def items(self) -> ItemsView[str, Parameter]:
        """Pairs of a name and a parameter."""
        return self._parameters.items()

    def values(self) -> ValuesView[Parameter]:
        """The parameters."""
        return self._parameters.values()

    def update(self, parameters: Any) -> None:
        """Add parameters, or put them in the place of those of the same name."""
        for key, value in as_pairs("ParameterDict", parameters):
            self[key] = value
