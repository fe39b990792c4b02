"""The operators and the differentiable methods of a tensor.

A method *is* the operation's function, whose first parameter is the tensor: ``Tensor.exp`` is
``ops.elementwise.exp``. So nothing is written twice, an editor completes each with its signature, and
only the call of the node lies between a user's line and a rule.
"""

from __future__ import annotations

from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.ops import (
    activation,
    arithmetic,
    common,
    elementwise,
    extremes,
    index,
    join,
    linalg,
    power,
    rearrange,
    reduce,
    rounding,
    select,
    shape,
    vector_norm,
)
from minigrad.ops import gather as gather_ops
from minigrad.ops import softmax as softmax_ops
from minigrad.ops import sort as sort_ops
from minigrad.ops.common import T


class Methods(TensorBase):
    """The methods that build the graph."""

    __slots__ = ()

    # Operators. Those that write in place, as ``+=``, are in inplace.py.
    __add__ = __radd__ = arithmetic.add
    __sub__ = arithmetic.sub
    __mul__ = __rmul__ = arithmetic.mul
    __truediv__ = arithmetic.div
    __pow__ = power.pow
    __matmul__ = linalg.matmul
    __floordiv__ = rounding.floor_divide
    __mod__ = rounding.remainder
    __neg__ = arithmetic.neg
    __abs__ = elementwise.abs
    __invert__ = select.bitwise_not
    __and__ = __rand__ = select.bitwise_and
    __or__ = __ror__ = select.bitwise_or
    __xor__ = __rxor__ = select.bitwise_xor
    __lt__ = select.lt
    __le__ = select.le
    __gt__ = select.gt
    __ge__ = select.ge
    __eq__ = select.eq  # element by element, as in NumPy and PyTorch
    __ne__ = select.ne
    __hash__ = object.__hash__
    __getitem__ = index.getitem

    def __rsub__(self: T, other: Any) -> T:
        result: T = arithmetic.sub(other, self)
        return result

    def __rtruediv__(self: T, other: Any) -> T:
        result: T = arithmetic.div(other, self)
        return result

    def __rpow__(self: T, other: Any) -> T:
        result: T = power.pow(other, self)
        return result

    def __rmatmul__(self: T, other: Any) -> T:
        result: T = linalg.matmul(other, self)
        return result

    def __rfloordiv__(self: T, other: Any) -> T:
        result: T = rounding.floor_divide(other, self)
        return result

    def __rmod__(self: T, other: Any) -> T:
        result: T = rounding.remainder(other, self)
        return result

    # Arithmetic
    add = arithmetic.add
    sub = arithmetic.sub
    mul = arithmetic.mul
    div = arithmetic.div
    neg = arithmetic.neg
    subtract = arithmetic.sub
    multiply = arithmetic.mul
    divide = arithmetic.div
    true_divide = arithmetic.div
    negative = arithmetic.neg
    pow = power.pow
    sqrt = power.sqrt
    rsqrt = power.rsqrt
    reciprocal = power.reciprocal
    square = power.square
    floor = rounding.floor
    ceil = rounding.ceil
    round = rounding.round
    trunc = rounding.trunc
    remainder = rounding.remainder
    floor_divide = rounding.floor_divide
    isnan = rounding.isnan
    isinf = rounding.isinf
    isfinite = rounding.isfinite

    # Element by element
    abs = elementwise.abs
    exp = elementwise.exp
    expm1 = elementwise.expm1
    log = elementwise.log
    log1p = elementwise.log1p
    sin = elementwise.sin
    cos = elementwise.cos
    tanh = elementwise.tanh
    sigmoid = elementwise.sigmoid
    erf = elementwise.erf
    sign = elementwise.sign
    absolute = elementwise.abs
    clone = common.clone
    relu = activation.relu

    # Comparison and choice
    eq = select.eq
    ne = select.ne
    lt = select.lt
    le = select.le
    gt = select.gt
    ge = select.ge
    less = select.lt
    less_equal = select.le
    greater = select.gt
    greater_equal = select.ge
    not_equal = select.ne
    logical_and = select.logical_and
    logical_or = select.logical_or
    logical_not = select.logical_not
    logical_xor = select.logical_xor
    masked_fill = select.masked_fill
    clamp = select.clamp
    clip = select.clamp
    maximum = select.maximum
    minimum = select.minimum

    # Reductions
    sum = reduce.sum
    mean = reduce.mean
    var = reduce.var
    std = reduce.std
    amax = extremes.amax
    amin = extremes.amin
    max = extremes.max
    min = extremes.min
    prod = reduce.prod
    argmax = extremes.argmax
    argmin = extremes.argmin
    all = extremes.all
    any = extremes.any
    count_nonzero = reduce.count_nonzero
    norm = vector_norm.norm
    softmax = softmax_ops.softmax
    log_softmax = softmax_ops.log_softmax
    logsumexp = softmax_ops.logsumexp
    cumsum = softmax_ops.cumsum

    # Shape
    reshape = shape.reshape
    reshape_as = shape.reshape_as
    view = shape.view
    view_as = shape.view_as
    permute = shape.permute
    transpose = shape.transpose
    swapaxes = shape.swapaxes
    t = shape.t
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    flatten = shape.flatten
    unflatten = shape.unflatten
    split = join.split
    chunk = join.chunk
    unbind = join.unbind
    expand = shape.expand
    expand_as = shape.expand_as
    broadcast_to = shape.broadcast_to
    repeat = rearrange.repeat
    tile = rearrange.tile
    flip = rearrange.flip
    roll = rearrange.roll
    movedim = shape.movedim
    contiguous = shape.contiguous
    tril = rearrange.tril
    triu = rearrange.triu
    diagonal = rearrange.diagonal

    # Elements
    index_select = index.index_select
    gather = gather_ops.gather
    scatter_add = gather_ops.scatter_add
    take_along_dim = gather_ops.take_along_dim
    masked_select = index.masked_select
    topk = sort_ops.topk
    sort = sort_ops.sort
    argsort = sort_ops.argsort

    # Products
    matmul = linalg.matmul
    mm = linalg.mm
    bmm = linalg.bmm
    mv = linalg.mv
    dot = linalg.dot
    outer = linalg.outer
    addmm = linalg.addmm

    def where(self: T, condition: Any, other: Any) -> T:
        """``self`` where ``condition`` holds, ``other`` elsewhere."""
        result: T = select.where(condition, self, other)
        return result
