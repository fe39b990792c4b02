"""Methods of a tensor that are put together from other operations, and those that count or compare.

Like those in ``methods.py``, each *is* the function that PyTorch has under the same name.
"""

from __future__ import annotations

from minigrad.engine.base import TensorBase
from minigrad.ops import (
    elementwise,
    index,
    join,
    linalg,
    pieces,
    piecewise,
    products,
    rearrange,
    rounding,
    shape,
    statistics,
    trigonometry,
    vector_norm,
)
from minigrad.ops import select as select_ops
from minigrad.ops import softmax as softmax_ops
from minigrad.ops.inplace import in_place


class Combined(TensorBase):
    """More differentiable methods, and questions."""

    __slots__ = ()

    # Element by element
    tan = trigonometry.tan
    asin = arcsin = trigonometry.asin
    acos = arccos = trigonometry.acos
    atan = arctan = trigonometry.atan
    atan2 = arctan2 = trigonometry.atan2
    sinh = trigonometry.sinh
    cosh = trigonometry.cosh
    atanh = arctanh = trigonometry.atanh
    log2 = trigonometry.log2
    log10 = trigonometry.log10
    exp2 = trigonometry.exp2
    erfc = trigonometry.erfc
    erfinv = trigonometry.erfinv
    frac = trigonometry.frac
    fmod = trigonometry.fmod
    logit = trigonometry.logit
    logaddexp = trigonometry.logaddexp
    hypot = trigonometry.hypot
    xlogy = trigonometry.xlogy
    lerp = trigonometry.lerp
    addcmul = trigonometry.addcmul
    addcdiv = trigonometry.addcdiv
    deg2rad = trigonometry.deg2rad
    rad2deg = trigonometry.rad2deg
    float_power = trigonometry.float_power
    nan_to_num = trigonometry.nan_to_num
    clamp_min = trigonometry.clamp_min
    clamp_max = trigonometry.clamp_max

    tan_ = in_place(trigonometry.tan)
    asin_ = in_place(trigonometry.asin)
    acos_ = in_place(trigonometry.acos)
    atan_ = in_place(trigonometry.atan)
    atan2_ = in_place(trigonometry.atan2)
    sinh_ = in_place(trigonometry.sinh)
    cosh_ = in_place(trigonometry.cosh)
    log2_ = in_place(trigonometry.log2)
    log10_ = in_place(trigonometry.log10)
    exp2_ = in_place(trigonometry.exp2)
    erfc_ = in_place(trigonometry.erfc)
    erfinv_ = in_place(trigonometry.erfinv)
    frac_ = in_place(trigonometry.frac)
    fmod_ = in_place(trigonometry.fmod)
    logit_ = in_place(trigonometry.logit)
    nan_to_num_ = in_place(trigonometry.nan_to_num)

    # Order, counts and comparison
    kthvalue = statistics.kthvalue
    median = statistics.median
    mode = statistics.mode
    quantile = statistics.quantile
    aminmax = statistics.aminmax
    unique = statistics.unique
    bincount = statistics.bincount
    histc = statistics.histc
    nonzero = statistics.nonzero
    isclose = statistics.isclose
    allclose = statistics.allclose
    equal = statistics.equal
    cumprod = statistics.cumprod
    nansum = statistics.nansum
    nanmean = statistics.nanmean
    dist = statistics.dist
    renorm = vector_norm.renorm
    renorm_ = in_place(vector_norm.renorm)
    cumsum_ = in_place(softmax_ops.cumsum)
    cumprod_ = in_place(statistics.cumprod)

    # Pieces
    narrow = pieces.narrow
    select = pieces.select
    ravel = pieces.ravel
    diff = pieces.diff
    unfold = pieces.windows
    tensor_split = pieces.tensor_split
    fliplr = pieces.fliplr
    flipud = pieces.flipud
    rot90 = pieces.rot90
    take = pieces.take
    repeat_interleave = index.repeat_interleave

    # Products
    baddbmm = products.baddbmm
    inner = products.inner
    trace = products.trace
    cross = products.cross
    kron = products.kron

    # PyTorch's other names, and functions that are methods too.
    arcsin_ = asin_
    arccos_ = acos_
    arctan_ = atan_
    diag = rearrange.diag
    moveaxis = shape.movedim
    swapdims = shape.swapaxes
    ger = linalg.outer
    split_with_sizes = join.split
    bitwise_and = select_ops.bitwise_and
    bitwise_or = select_ops.bitwise_or
    bitwise_xor = select_ops.bitwise_xor
    bitwise_not = select_ops.bitwise_not
    fix = rounding.trunc
    sgn = elementwise.sign
    prelu = piecewise.prelu
    hardshrink = piecewise.hardshrink
    positive = pieces.positive
    is_same_size = pieces.is_same_size
    sum_to_size = pieces.sum_to_size
    diag_embed = pieces.diag_embed
    argwhere = statistics.nonzero
    unique_consecutive = statistics.unique_consecutive
    msort = statistics.msort
