"""Methods that write into a tensor: those that end in an underscore, ``+=`` and its kin, and item assignment.

What a write does to values, aliases and history is told, and done, in ``minigrad/ops/inplace.py``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.ops import activation, arithmetic, elementwise, linalg, power, put, rearrange, rounding, select, shape
from minigrad.ops.arithmetic import Add, Div, Mul, Sub
from minigrad.ops.common import promoted
from minigrad.ops.inplace import WHOLE, before, in_place, overwrite, write
from minigrad.random import Generator, numpy_generator

Self = TypeVar("Self", bound="InPlace")


class InPlace(TensorBase):
    """The methods of a tensor that end in an underscore, and assignment to elements."""

    __slots__ = ()

    __setitem__ = put.setitem

    # These four apply their node themselves: so a debugger comes to the rule as fast as by ``x + y``.
    def __iadd__(self: Self, other: Any) -> Self:
        old = before(self)
        return write(self, old, Add().apply_to(*promoted(old, other)))

    def __isub__(self: Self, other: Any) -> Self:
        old = before(self)
        return write(self, old, Sub().apply_to(*promoted(old, other)))

    def __imul__(self: Self, other: Any) -> Self:
        old = before(self)
        return write(self, old, Mul().apply_to(*promoted(old, other)))

    def __itruediv__(self: Self, other: Any) -> Self:
        old = before(self)
        return write(self, old, Div().apply_to(*promoted(old, other, true_division=True)))

    __ipow__ = in_place(power.pow)
    __ifloordiv__ = in_place(rounding.floor_divide)
    __imod__ = in_place(rounding.remainder)
    __iand__ = in_place(select.bitwise_and)
    __ior__ = in_place(select.bitwise_or)
    __ixor__ = in_place(select.bitwise_xor)

    # Arithmetic
    add_ = in_place(arithmetic.add)
    sub_ = subtract_ = in_place(arithmetic.sub)
    mul_ = multiply_ = in_place(arithmetic.mul)
    div_ = divide_ = true_divide_ = in_place(arithmetic.div)
    neg_ = negative_ = in_place(arithmetic.neg)
    pow_ = in_place(power.pow)
    sqrt_ = in_place(power.sqrt)
    rsqrt_ = in_place(power.rsqrt)
    reciprocal_ = in_place(power.reciprocal)
    square_ = in_place(power.square)
    floor_ = in_place(rounding.floor)
    ceil_ = in_place(rounding.ceil)
    round_ = in_place(rounding.round)
    trunc_ = fix_ = in_place(rounding.trunc)
    remainder_ = in_place(rounding.remainder)
    floor_divide_ = in_place(rounding.floor_divide)
    addmm_ = in_place(linalg.addmm)

    # Element by element
    abs_ = absolute_ = in_place(elementwise.abs)
    exp_ = in_place(elementwise.exp)
    expm1_ = in_place(elementwise.expm1)
    log_ = in_place(elementwise.log)
    log1p_ = in_place(elementwise.log1p)
    sin_ = in_place(elementwise.sin)
    cos_ = in_place(elementwise.cos)
    tanh_ = in_place(elementwise.tanh)
    sigmoid_ = in_place(elementwise.sigmoid)
    erf_ = in_place(elementwise.erf)
    sign_ = in_place(elementwise.sign)
    relu_ = in_place(activation.relu)

    # Comparison and choice
    clamp_ = clip_ = in_place(select.clamp)
    eq_ = in_place(select.eq)
    ne_ = in_place(select.ne)
    lt_ = in_place(select.lt)
    le_ = in_place(select.le)
    gt_ = in_place(select.gt)
    ge_ = in_place(select.ge)
    logical_and_ = in_place(select.logical_and)
    logical_or_ = in_place(select.logical_or)
    logical_xor_ = in_place(select.logical_xor)
    logical_not_ = in_place(select.logical_not)
    bitwise_and_ = in_place(select.bitwise_and)
    bitwise_or_ = in_place(select.bitwise_or)
    bitwise_xor_ = in_place(select.bitwise_xor)
    bitwise_not_ = in_place(select.bitwise_not)
    tril_ = in_place(rearrange.tril)
    triu_ = in_place(rearrange.triu)

    # Values at places
    copy_ = put.copy_
    fill_ = put.fill_
    zero_ = put.zero_
    masked_fill_ = put.masked_fill_
    masked_scatter_ = put.masked_scatter_
    index_fill_ = put.index_fill_
    index_copy_ = put.index_copy_
    index_add_ = put.index_add_
    index_put_ = put.index_put_
    scatter_ = put.scatter_
    scatter_add_ = put.scatter_add_
    fill_diagonal_ = put.fill_diagonal_
    scatter = put.scatter
    masked_scatter = put.masked_scatter
    index_fill = put.index_fill
    index_copy = put.index_copy
    index_add = put.index_add
    index_put = put.index_put

    def addcmul_(self: Self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add ``value * tensor1 * tensor2``."""
        arguments.tensors("addcmul_", tensor1=tensor1, tensor2=tensor2)
        return self.add_(tensor1 * tensor2, alpha=value)

    def addcdiv_(self: Self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add ``value * tensor1 / tensor2``."""
        arguments.tensors("addcdiv_", tensor1=tensor1, tensor2=tensor2)
        return self.add_(tensor1 / tensor2, alpha=value)

    def lerp_(self: Self, end: Any, weight: Any) -> Self:
        """Go the part ``weight`` of the way to ``end``."""
        arguments.tensor("lerp_", "end", end)
        if not isinstance(weight, (TensorBase, np.ndarray)):
            weight = arguments.number("lerp_", "weight", weight)
        old: Any = before(self)
        return write(self, old, old + (end - old) * weight)

    def clamp_min_(self: Self, min: Any) -> Self:
        """Limit every element from below."""
        return self.clamp_(min=min)

    def clamp_max_(self: Self, max: Any) -> Self:
        """Limit every element from above."""
        return self.clamp_(max=max)

    # -- random values -----------------------------------------------------------------------------

    def normal_(self: Self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element from a normal distribution.

        Raises
        ------
        OperationError
            If ``std`` is negative.
        """
        rng, middle = numpy_generator(generator), arguments.number("normal_", "mean", mean)
        spread = arguments.number("normal_", "std", std, least=0)
        return overwrite(self, WHOLE, rng.normal(middle, spread, self.array.shape))

    def uniform_(self: Self, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element uniformly from ``[from_, to)``.

        Raises
        ------
        OperationError
            If ``from_`` is above ``to``, or if they aren't finite.
        """
        most = float(np.finfo(np.float64).max) / 2  # so that their distance is a number too
        low = arguments.number("uniform_", "from_", from_, -most, most)
        high = arguments.number("uniform_", "to", to, low, most)
        return overwrite(self, WHOLE, numpy_generator(generator).uniform(low, high, self.array.shape))

    def bernoulli_(self: Self, p: Any = 0.5, *, generator: Generator | None = None) -> Self:
        """Set every element to 1 with probability ``p``, else to 0.

        Raises
        ------
        OperationError
            If a probability is not in [0, 1].
        """
        if isinstance(p, (TensorBase, np.ndarray)):
            chance = array_of(p)
            sizes = zip(chance.shape[::-1], self.array.shape[::-1], strict=False)
            fits = chance.ndim <= self.array.ndim and all(n in (1, m) for n, m in sizes)
            if chance.dtype.kind not in "biuf" or not fits or not ((chance >= 0) & (chance <= 1)).all():
                raise arguments.wrong_value("bernoulli_", "p", "probabilities: numbers from 0 to 1", p)
        else:
            chance = np.asarray(arguments.number("bernoulli_", "p", p, 0, 1))
        return overwrite(self, WHOLE, numpy_generator(generator).random(self.array.shape) < chance)

    def random_(
        self: Self, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the integers ``[from_, to)``, or ``[0, from_)`` where ``to`` is left out.

        Raises
        ------
        OperationError
            If there is no integer between them.
        """
        low, high = (0, 2**24 if from_ is None else from_) if to is None else (from_, to)
        first = arguments.integer("random_", "from_", low, -(2**63), 2**63 - 2)
        end = arguments.integer("random_", "from_" if to is None else "to", high, first + 1, 2**63 - 1)
        return overwrite(self, WHOLE, numpy_generator(generator).integers(first, end, self.array.shape))

    def exponential_(self: Self, lambd: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element from the exponential distribution of rate ``lambd``.

        Raises
        ------
        OperationError
            If the rate isn't above 0.
        """
        rate = arguments.number("exponential_", "lambd", lambd)
        if not rate > 0:
            raise arguments.wrong_value("exponential_", "lambd", "a number above 0", lambd)
        return overwrite(self, WHOLE, numpy_generator(generator).exponential(1 / rate, self.array.shape))

    # -- another shape -----------------------------------------------------------------------------

    def _reshaped(self: Self, result: Any) -> Self:
        self.array, self.node, self.slot = result.array, result.node, result.slot
        self._view = result._view
        return self

    def squeeze_(self: Self, dim: Any = None) -> Self:
        """Drop axes of size 1."""
        return self._reshaped(shape.squeeze(before(self), dim))

    def unsqueeze_(self: Self, dim: int) -> Self:
        """Insert an axis of size 1."""
        return self._reshaped(shape.unsqueeze(before(self), dim))

    def transpose_(self: Self, dim0: int, dim1: int) -> Self:
        """Swap two axes."""
        return self._reshaped(shape.transpose(before(self), dim0, dim1))

    def t_(self: Self) -> Self:
        """Transpose a matrix."""
        return self._reshaped(shape.t(before(self)))

    def detach_(self: Self) -> Self:
        """Leave the graph: gradients stop here."""
        if self._view is not None and self.requires_grad:
            raise OperationError("detach_() on a view: use detach(), which gives a new tensor outside the graph")
        self.node, self.slot, self.requires_grad = None, 0, False
        return self
