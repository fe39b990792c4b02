"""Initialisers: they fill a tensor in place, without history, and give it back.

They write through the tensor's own methods, so a backward that still needs the old values says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from minigrad.arguments import integer, number, numbers, wrong_kind, wrong_value
from minigrad.engine.base import Array
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
from minigrad.missing import lister as _lister
from minigrad.nn.gains import calculate_gain, fan, fans, xavier_std
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.tensor import Tensor

T = TypeVar("T", bound=Tensor)

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
__dir__ = _lister(__name__)


def _floats(name: str, tensor: T) -> T:
    """A tensor that random numbers can be written to.

    Raises
    ------
    TypeError
        For anything else than a tensor of floats.
    """
    if _tensor(name, tensor).dtype.kind not in "fc":
        raise wrong_kind(name, "tensor", "a tensor of floating-point numbers", tensor)
    return tensor


def _tensor(name: str, tensor: T, kind: str = "", ndims: Sequence[int] = ()) -> T:
    """A tensor, of a kind that has so many dimensions: an array can't tell the backward that its values changed.

    Raises
    ------
    TypeError
        For anything else.
    OperationError
        For another number of dimensions.
    """
    if not isinstance(tensor, Tensor):
        raise wrong_kind(name, "tensor", "a tensor, such as a layer's weight", tensor)
    if ndims and tensor.ndim not in ndims:
        raise OperationError(f"{name} is for {kind}, this tensor has shape {tensor.shape}")
    return tensor


def _filled(tensor: T, values: Array) -> T:
    with no_grad():
        return tensor.copy_(values)


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Draw from the uniform distribution on [a, b)."""
    _floats("uniform_", tensor)
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> T:
    """Draw from the normal distribution."""
    _floats("normal_", tensor)
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> T:
    """Draw from the normal distribution, again and again until every value lies in [a, b].

    Raises
    ------
    ValueError
        If the interval is so far from the mean that hardly a draw would fall into it.
    """
    _floats("trunc_normal_", tensor)
    numbers("trunc_normal_", mean=mean, a=a, b=b)
    if not number("trunc_normal_", "std", std, least=0):
        raise wrong_value("trunc_normal_", "std", "more than 0", std)
    share = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    if not share >= 1e-3:
        raise OperationError(f"trunc_normal_: hardly a draw with mean {mean} and std {std} falls into [{a}, {b}]")
    rng = numpy_generator(generator)
    values = np.asarray(rng.normal(mean, std, tensor.shape))
    outside = (values < a) | (values > b)
    while outside.any():
        values[outside] = rng.normal(mean, std, int(outside.sum()))
        outside = (values < a) | (values > b)
    return _filled(tensor, values)


def constant_(tensor: T, val: float) -> T:
    """Fill with one value."""
    _tensor("constant_", tensor)
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: T) -> T:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: T) -> T:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: T) -> T:
    """Fill a matrix with the identity: a linear layer then gives its input back.

    Raises
    ------
    ValueError
        If it is no matrix.
    """
    _tensor("eye_", tensor, "matrices (for convolutions there is dirac_)", (2,))
    return _filled(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: T, groups: int = 1) -> T:
    """Fill a convolution's weight so that it gives its input channels back, as far as there are outputs.

    Raises
    ------
    ValueError
        If it is no convolution's weight, or its first size is not divisible by ``groups``.
    """
    _tensor("dirac_", tensor, "weights of convolutions", (3, 4, 5))
    if tensor.shape[0] % integer("dirac_", "groups", groups, least=1):
        raise OperationError(f"dirac_: the first size, {tensor.shape[0]}, is not divisible by groups={groups}")
    centre = tuple(n // 2 for n in tensor.shape[2:])
    outputs = tensor.shape[0] // groups
    values = np.zeros(tensor.shape)
    for group in range(groups):
        for channel in range(min(outputs, tensor.shape[1])):
            place = (group * outputs + channel, channel, *centre)
            values[place] = 1
    return _filled(tensor, values)


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Draw uniformly with variance ``gain**2 * 2 / (fan_in + fan_out)`` (Glorot & Bengio, 2010)."""
    bound = math.sqrt(3.0) * xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Draw normally with variance ``gain**2 * 2 / (fan_in + fan_out)`` (Glorot & Bengio, 2010)."""
    return normal_(tensor, 0.0, xavier_std("xavier_normal_", tensor, gain), generator)


def kaiming_uniform_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Draw uniformly with variance ``gain**2 / fan`` (He et al., 2015).

    Parameters
    ----------
    a
        The negative slope, for ``"leaky_relu"``.
    mode
        ``"fan_in"`` keeps the scale of the signal in forward, ``"fan_out"`` that of the gradient in backward.
    nonlinearity
        What follows the layer: see ``calculate_gain``.
    """
    if 0 in _floats("kaiming_uniform_", tensor).shape:
        return tensor
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Draw normally with variance ``gain**2 / fan`` (He et al., 2015); parameters as ``kaiming_uniform_``."""
    if 0 in _floats("kaiming_normal_", tensor).shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(fan(tensor, mode)), generator)


def orthogonal_(tensor: T, gain: float = 1, generator: Generator | None = None) -> T:
    """Fill with ``gain`` times a random matrix whose rows, or columns, are orthonormal (Saxe et al., 2013).

    A weight of more dimensions is taken as a matrix of its first size by all others.

    Raises
    ------
    ValueError
        For fewer than two dimensions.
    """
    number("orthogonal_", "gain", gain)
    if _floats("orthogonal_", tensor).ndim < 2:
        raise OperationError(f"orthogonal_ needs two or more dimensions, this tensor has shape {tensor.shape}")
    if 0 in tensor.shape:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.array.size // rows
    draws = numpy_generator(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(draws)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # which makes the draw uniform over all such matrices
    matrix: Any = q if rows >= columns else q.T
    return _filled(tensor, gain * matrix.reshape(tensor.shape))


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Draw a matrix normally, and set the share ``sparsity`` of each column to 0 (Martens, 2010).

    Raises
    ------
    ValueError
        If it is no matrix.
    """
    _floats("sparse_", _tensor("sparse_", tensor, "matrices", (2,)))
    number("sparse_", "sparsity", sparsity, least=0, most=1)
    number("sparse_", "std", std, least=0)
    zeros = math.ceil(sparsity * tensor.shape[0])
    rng = numpy_generator(generator)
    values = rng.normal(0.0, std, tensor.shape)
    for column in range(tensor.shape[1]):
        values[rng.permutation(tensor.shape[0])[:zeros], column] = 0
    return _filled(tensor, values)


# PyTorch's older names, without the line below.
uniform, normal, constant, eye, dirac, sparse = uniform_, normal_, constant_, eye_, dirac_, sparse_
xavier_uniform, xavier_normal = xavier_uniform_, xavier_normal_
kaiming_uniform, kaiming_normal, orthogonal = kaiming_uniform_, kaiming_normal_, orthogonal_
__all__ += [name[:-1] for name in __all__ if name[:-1] in globals()]

# Files take these from PyTorch's own initialisers: timm uses them, and so do files that compute fans themselves.
_calculate_fan_in_and_fan_out, _calculate_correct_fan = fans, fan
