"""Methods that write into a tensor: for initialisers, buffers and optimisers, never for the graph.

An array that a node kept for backward must not change, and nothing can tell what else shares it. So
these work on tensors outside the graph only; ``x += y`` in a model makes a new tensor and rebinds the name.
Only a leaf that is learnt is changed itself, as in ``p -= lr * p.grad`` under ``no_grad``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import is_grad_enabled
from minigrad.random import Generator, numpy_generator

Self = TypeVar("Self", bound="InPlace")


class InPlace(TensorBase):
    """The methods of a tensor that end in an underscore, and assignment to elements."""

    __slots__ = ()

    def _writable(self, method: str) -> Any:
        """The array, if it may be written to."""
        if self.node is not None or (self.requires_grad and is_grad_enabled()):
            kind = "a tensor in the graph" if self.node is not None else "a leaf that requires a gradient"
            remedy = f"x = x.{method.rstrip('_')}(...)" if method.endswith("_") else "minigrad.where(...)"
            raise OperationError(
                f"{method} would write into {kind}, and backward may need what is there. "
                f"Make a new tensor, as in {remedy}, or write under minigrad.no_grad()"
            )
        return self.array

    def __setitem__(self, key: Any, value: Any) -> None:
        """Assign to elements."""
        keys = tuple(_plain(k) for k in key) if isinstance(key, tuple) else _plain(key)
        self._writable("item assignment")[keys] = array_of(value)

    def _is_updated(self) -> bool:
        """Whether ``+=`` is to change this very tensor: a new one in its place would never be learnt."""
        return self.requires_grad and self.node is None

    # Where these give NotImplemented, Python makes a new tensor by ``x + y``.
    def __iadd__(self: Self, other: Any) -> Self:
        return self.add_(other) if self._is_updated() else NotImplemented

    def __isub__(self: Self, other: Any) -> Self:
        return self.sub_(other) if self._is_updated() else NotImplemented

    def __imul__(self: Self, other: Any) -> Self:
        return self.mul_(other) if self._is_updated() else NotImplemented

    def __itruediv__(self: Self, other: Any) -> Self:
        return self.div_(other) if self._is_updated() else NotImplemented

    def copy_(self: Self, source: Any, non_blocking: bool = False) -> Self:
        """Take over the values of ``source``."""
        self._writable("copy_")[...] = array_of(source)
        return self

    def fill_(self: Self, value: Any) -> Self:
        """Set every element to ``value``."""
        self._writable("fill_")[...] = array_of(value)
        return self

    def zero_(self: Self) -> Self:
        """Set every element to 0."""
        return self.fill_(0)

    def add_(self: Self, other: Any, *, alpha: float = 1) -> Self:
        """Add ``alpha * other``."""
        data = self._writable("add_")
        data += alpha * array_of(other) if alpha != 1 else array_of(other)
        return self

    def sub_(self: Self, other: Any, *, alpha: float = 1) -> Self:
        """Subtract ``alpha * other``."""
        return self.add_(other, alpha=-alpha)

    def mul_(self: Self, other: Any) -> Self:
        """Multiply by ``other``."""
        data = self._writable("mul_")
        data *= array_of(other)
        return self

    def div_(self: Self, other: Any) -> Self:
        """Divide by ``other``."""
        data = self._writable("div_")
        data /= array_of(other)
        return self

    def addcmul_(self: Self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add ``value * tensor1 * tensor2``."""
        return self.add_(array_of(tensor1) * array_of(tensor2), alpha=value)

    def addcdiv_(self: Self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add ``value * tensor1 / tensor2``."""
        return self.add_(array_of(tensor1) / array_of(tensor2), alpha=value)

    def lerp_(self: Self, end: Any, weight: float) -> Self:
        """Go the part ``weight`` of the way to ``end``."""
        return self.add_(array_of(end) - self.array, alpha=weight)

    def clamp_(self: Self, min: Any = None, max: Any = None) -> Self:
        """Limit every element to ``[min, max]``."""
        data = self._writable("clamp_")
        np.clip(data, min, max, out=data)
        return self

    def sqrt_(self: Self) -> Self:
        """Take the square root."""
        data = self._writable("sqrt_")
        np.sqrt(data, out=data)
        return self

    def masked_fill_(self: Self, mask: Any, value: Any) -> Self:
        """Set the elements where ``mask`` is True to ``value``."""
        np.copyto(self._writable("masked_fill_"), array_of(value), where=array_of(mask), casting="unsafe")
        return self

    def normal_(self: Self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element from a normal distribution."""
        data = self._writable("normal_")
        data[...] = numpy_generator(generator).normal(mean, std, data.shape)
        return self

    def uniform_(self: Self, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element uniformly from ``[from_, to)``."""
        data = self._writable("uniform_")
        data[...] = numpy_generator(generator).uniform(from_, to, data.shape)
        return self

    def bernoulli_(self: Self, p: float = 0.5, *, generator: Generator | None = None) -> Self:
        """Set every element to 1 with probability ``p``, else to 0."""
        data = self._writable("bernoulli_")
        data[...] = numpy_generator(generator).random(data.shape) < p
        return self


def _plain(key: Any) -> Any:
    return key.array if isinstance(key, TensorBase) else key
