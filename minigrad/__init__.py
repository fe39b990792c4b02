"""minigrad: reverse-mode autograd to read, step through and learn from.

What exists in PyTorch has PyTorch's name and meaning here; ``minigrad.skip``, ``minigrad.inspect`` and
``backward_steps`` are what PyTorch lacks.
"""

import numpy as _np

from minigrad import autograd, data, engine, inspect, nn, optim, plot, skip, utils
from minigrad.autograd import hessian, hvp, jacobian
from minigrad.creation import (
    arange,
    as_tensor,
    bernoulli,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    meshgrid,
    multinomial,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from minigrad.device import device
from minigrad.engine import (
    AnomalyError,
    DataChangedError,
    GradcheckError,
    Node,
    OperationError,
    Step,
    backward_steps,
    detect_anomaly,
    detect_changes,
    enable_grad,
    grad,
    gradcheck,
    gradgradcheck,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.kernels.threads import get_num_threads, set_num_threads
from minigrad.ops.activation import elu, gelu, hardtanh, leaky_relu, logsigmoid, relu, relu6, selu, silu, softplus
from minigrad.ops.arithmetic import add, div, mul, neg, sub
from minigrad.ops.attention import scaled_dot_product_attention
from minigrad.ops.classification import cross_entropy, nll_loss
from minigrad.ops.common import get_default_dtype, set_default_dtype
from minigrad.ops.conv import conv1d, conv2d, conv_transpose2d
from minigrad.ops.dropout import dropout, dropout1d, dropout2d
from minigrad.ops.einsum import einsum
from minigrad.ops.elementwise import abs, cos, erf, exp, expm1, log, log1p, sigmoid, sign, sin, tanh
from minigrad.ops.embedding import embedding, one_hot
from minigrad.ops.extremes import all, amax, amin, any, argmax, argmin, max, min
from minigrad.ops.fold import fold, unfold
from minigrad.ops.gather import gather, scatter_add, take_along_dim
from minigrad.ops.index import getitem, index_select, masked_select, repeat_interleave
from minigrad.ops.join import cat, chunk, concat, split, stack, unbind
from minigrad.ops.linalg import addmm, bmm, dot, linear, matmul, mm, mv, outer
from minigrad.ops.loss import binary_cross_entropy, binary_cross_entropy_with_logits, check_reduction, huber_loss, kl_div, l1_loss, legacy_reduction, mse_loss, smooth_l1_loss
from minigrad.ops.norm import batch_norm, group_norm, layer_norm
from minigrad.ops.pad import pad
from minigrad.ops.pool import adaptive_avg_pool1d, adaptive_avg_pool2d, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from minigrad.ops.power import pow, reciprocal, rsqrt, sqrt, square
from minigrad.ops.rearrange import diag, diagonal, flip, repeat, roll, tile, tril, triu
from minigrad.ops.reduce import count_nonzero, mean, prod, std, std_mean, sum, var, var_mean
from minigrad.ops.resample import interpolate
from minigrad.ops.rounding import ceil, floor, floor_divide, isfinite, isinf, isnan, remainder, round, trunc
from minigrad.ops.select import bitwise_and, bitwise_not, bitwise_or, bitwise_xor, clamp, eq, ge, gt, le, logical_and, logical_not, logical_or, logical_xor, lt, masked_fill, maximum, minimum, ne, where
from minigrad.ops.shape import broadcast_to, contiguous, expand, expand_as, flatten, movedim, permute, reshape, reshape_as, squeeze, swapaxes, t, transpose, unflatten, unsqueeze, view, view_as
from minigrad.ops.softmax import cumsum, log_softmax, logsumexp, softmax
from minigrad.ops.sort import argsort, sort, topk
from minigrad.ops.vector_norm import cosine_similarity, norm, normalize
from minigrad.ops.windows import as_batch, check_fits, pair_of, single_of
from minigrad.random import Generator, default_generator, manual_seed
from minigrad.serialize import load, save
from minigrad.tensor import Tensor, from_array, is_tensor
from minigrad.version import __version__

# PyTorch's other names for the same functions.
absolute = abs
clip = clamp
concatenate = concat
subtract, multiply, divide, true_divide, negative = sub, mul, div, div, neg
less, less_equal, greater, greater_equal, not_equal = lt, le, gt, ge, ne

# Data types are NumPy's.
float16 = half = _np.dtype(_np.float16)
float32 = float = _np.dtype(_np.float32)
float64 = double = _np.dtype(_np.float64)
uint8 = _np.dtype(_np.uint8)
int8 = _np.dtype(_np.int8)
int16 = short = _np.dtype(_np.int16)
int32 = int = _np.dtype(_np.int32)
int64 = long = _np.dtype(_np.int64)
bool = _np.dtype(_np.bool_)
dtype = _np.dtype
strided = "strided"

#: A shape is a plain tuple.
Size: type = tuple
inf, nan, pi = _np.inf, _np.nan, _np.pi

__all__ = [
    "AnomalyError",
    "DataChangedError",
    "Generator",
    "GradcheckError",
    "Node",
    "OperationError",
    "Size",
    "Step",
    "Tensor",
    "__version__",
    "abs",
    "absolute",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "add",
    "addmm",
    "all",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_batch",
    "as_tensor",
    "autograd",
    "avg_pool1d",
    "avg_pool2d",
    "backward_steps",
    "batch_norm",
    "bernoulli",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "bool",
    "broadcast_to",
    "cat",
    "ceil",
    "check_fits",
    "check_reduction",
    "chunk",
    "clamp",
    "clip",
    "concat",
    "concatenate",
    "contiguous",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cos",
    "cosine_similarity",
    "count_nonzero",
    "cross_entropy",
    "cumsum",
    "data",
    "default_generator",
    "detect_anomaly",
    "detect_changes",
    "device",
    "diag",
    "diagonal",
    "div",
    "divide",
    "dot",
    "double",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dtype",
    "einsum",
    "elu",
    "embedding",
    "empty",
    "empty_like",
    "enable_grad",
    "engine",
    "eq",
    "erf",
    "exp",
    "expand",
    "expand_as",
    "expm1",
    "eye",
    "flatten",
    "flip",
    "float",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "fold",
    "from_array",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "gelu",
    "get_default_dtype",
    "get_num_threads",
    "getitem",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "greater",
    "greater_equal",
    "group_norm",
    "gt",
    "half",
    "hardtanh",
    "hessian",
    "huber_loss",
    "hvp",
    "index_select",
    "inf",
    "inference_mode",
    "inspect",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "interpolate",
    "is_grad_enabled",
    "is_tensor",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "le",
    "leaky_relu",
    "legacy_reduction",
    "less",
    "less_equal",
    "linear",
    "linspace",
    "load",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsigmoid",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "max_pool1d",
    "max_pool2d",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "mm",
    "movedim",
    "mse_loss",
    "mul",
    "multinomial",
    "multiply",
    "mv",
    "nan",
    "ne",
    "neg",
    "negative",
    "nll_loss",
    "nn",
    "no_grad",
    "norm",
    "normalize",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "optim",
    "outer",
    "pad",
    "pair_of",
    "permute",
    "pi",
    "plot",
    "pow",
    "prod",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "reciprocal",
    "relu",
    "relu6",
    "remainder",
    "repeat",
    "repeat_interleave",
    "reshape",
    "reshape_as",
    "roll",
    "round",
    "rsqrt",
    "save",
    "scaled_dot_product_attention",
    "scatter_add",
    "selu",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "short",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "single_of",
    "skip",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "std_mean",
    "strided",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "t",
    "take_along_dim",
    "tanh",
    "tensor",
    "tile",
    "topk",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "uint8",
    "unbind",
    "unflatten",
    "unfold",
    "unsqueeze",
    "utils",
    "var",
    "var_mean",
    "view",
    "view_as",
    "where",
    "zeros",
    "zeros_like",
]
