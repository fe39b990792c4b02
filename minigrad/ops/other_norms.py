"""Rarer normalisations, put together from others: instance_norm, rms_norm, local_response_norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import flag, floats, integer, number, tensor, tensor_or_none
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.ops.common import T
from minigrad.ops.norm import batch_norm, group_norm
from minigrad.ops.pad import pad
from minigrad.ops.pool import avg_pool2d
from minigrad.ops.power import rsqrt
from minigrad.ops.reduce import mean
from minigrad.ops.shape import as_sizes


def instance_norm(
    input: T,
    running_mean: Any = None,
    running_var: Any = None,
    weight: T | None = None,
    bias: T | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> T:
    """Normalise each channel of each sample over its places: a ``group_norm`` with a group a channel.

    Running statistics move towards the mean of the samples', or, with ``use_input_stats=False``, are what is
    normalised by. The other parameters are those of ``batch_norm`` (Ulyanov et al., 2016).
    """
    x: Any = tensor("instance_norm", "input", input)
    if not flag("instance_norm", "use_input_stats", use_input_stats):
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    momentum = number("instance_norm", "momentum", momentum)
    if x.ndim < 2:
        raise OperationError(f"instance_norm: the input must have shape (N, C, ...), it has {x.shape}")
    places = math.prod(x.shape[2:])
    if places == 1:
        raise OperationError(
            f"instance_norm: it needs more than one value per channel and sample, the input has shape {x.shape}"
        )
    y = group_norm(input, x.shape[1], weight, bias, eps)
    rows = array_of(x).reshape(*x.shape[:2], -1)
    for label, running, ddof in (("running_mean", running_mean, None), ("running_var", running_var, 1)):
        if tensor_or_none("instance_norm", label, running) is None:
            continue
        if running.shape != x.shape[1:2]:
            raise OperationError(f"instance_norm: {label} must have shape {x.shape[1:2]}, it has {running.shape}")
        batch = (rows.mean(axis=2) if ddof is None else rows.var(axis=2, ddof=ddof)).mean(axis=0)
        array_of(running)[...] = (1 - momentum) * array_of(running) + momentum * batch
    return y


def rms_norm(input: T, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> T:
    """Divide by the root of the mean square over the last axes (Zhang and Sennrich, 2019); the mean stays.

    ``eps`` is by default the smallest step from 1 in the input's dtype.

    Raises
    ------
    OperationError
        If the input doesn't end in that shape.
    """
    axes = as_sizes("rms_norm", normalized_shape, "normalized_shape")
    x: Any = floats("rms_norm", "input", input)
    if not axes or x.shape[-len(axes) :] != axes:
        raise OperationError(f"rms_norm: normalized_shape={axes} must be the last sizes of the input's {x.shape}")
    if tensor_or_none("rms_norm", "weight", weight) is not None and weight.shape != axes:
        raise OperationError(f"rms_norm: the weight must have shape {axes}, it has {weight.shape}")
    over = tuple(range(-len(axes), 0))
    least = float(np.finfo(x.dtype).eps) if eps is None else number("rms_norm", "eps", eps)
    y: Any = x * rsqrt(mean(x * x, over, keepdim=True) + least)
    result: T = y if weight is None else y * weight
    return result


def local_response_norm(input: T, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> T:
    """``x / (k + alpha * m) ** beta``, ``m`` the mean square over ``size`` neighbouring channels.

    Krizhevsky et al., 2012. Beyond the first and the last channel there are zeros.
    """
    x: Any = tensor("local_response_norm", "input", input)
    size = integer("local_response_norm", "size", size, 1)
    alpha, beta, k = (
        number("local_response_norm", name, value) for name, value in (("alpha", alpha), ("beta", beta), ("k", k))
    )
    if len(x.shape) < 3:
        raise OperationError(f"local_response_norm: the input must have shape (N, C, L, ...), it has {x.shape}")
    square = (x * x).reshape(x.shape[0], 1, x.shape[1], math.prod(x.shape[2:]))
    padded = pad(square, (0, 0, size // 2, (size - 1) // 2))
    average: Any = avg_pool2d(padded, (size, 1), 1)
    return x / (average.reshape(x.shape) * alpha + k) ** beta
