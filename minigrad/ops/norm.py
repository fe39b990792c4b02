"""Normalisation: batch norm, layer norm, group norm.

Each makes the elements of a group have mean 0 and variance 1, and then scales and shifts them. The mean
and the variance depend on every element of the group, so the gradient of each element does too: for
``xhat = (x - mean) * inv_std`` and a gradient ``g`` that reaches ``xhat``,

    gx = inv_std * (g - mean(g) - xhat * mean(g * xhat))

which is the same in all three; only the groups differ. The gradient is orthogonal to a constant and to
``xhat``: what would only shift or stretch the group has no effect on the output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import flag, integer, number, tensor, tensor_or_none
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import norm as kernels
from minigrad.ops.common import T, is_array
from minigrad.ops.shape import as_sizes


def _normalised(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """``xhat`` and ``inv_std``, in pieces that can be differentiated."""
    centered = x - x.mean(axis=axes, keepdims=True)
    inv_std = ((centered * centered).mean(axis=axes, keepdims=True) + eps) ** -0.5
    return centered * inv_std, inv_std


def _input_gradient(g: Any, xhat: Any, inv_std: Any, axes: tuple[int, ...]) -> Any:
    """The formula at the head of this file, in pieces that can be differentiated."""
    mean = g.mean(axis=axes, keepdims=True)
    return inv_std * (g - mean - xhat * (g * xhat).mean(axis=axes, keepdims=True))


def _as_channels(x: Any) -> Any:
    """(N, C, ...) as (N, C, L)."""
    return x.reshape(x.shape[0], x.shape[1], math.prod(x.shape[2:]))


class BatchNorm(Node):
    """``w * xhat + b``, where ``xhat`` is ``x`` normalised channel by channel, over the batch and all places.

    Backward: ``gx = inv_std * (g - mean(g) - xhat * mean(g * xhat))`` with ``g = w * gy``;
    ``gw = sum(gy * xhat)``, ``gb = sum(gy)`` (Ioffe and Szegedy, 2015).
    """

    reads = {"x": ("x", "w"), "w": ("x",)}

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        y, self.mean, self.inv_std = kernels.batch_norm(_as_channels(x), w, b, self.eps)
        return y.reshape(x.shape)

    def backward(self, gy: Any) -> Any:
        shape = self.x.shape
        gy3, x3 = _as_channels(gy), _as_channels(self.x)
        if is_array(gy):
            gx, gw, gb = kernels.batch_norm_backward(gy3, x3, self.w, self.mean, self.inv_std)
        else:
            xhat, inv_std = _normalised(x3, (0, 2), self.eps)
            g = gy3 if self.w is None else gy3 * self.w.reshape(-1, 1)
            gx = _input_gradient(g, xhat, inv_std, (0, 2))
            gw, gb = (gy3 * xhat).sum(axis=(0, 2)), None
        if self.wants[2] and gb is None:
            gb = gy3.sum(axis=(0, 2))
        return gx.reshape(shape), gw, gb


class BatchNormEval(Node):
    """``w * (x - mean) * inv_std + b`` with a mean and a variance that are given, channel by channel.

    Backward: they are constants, so ``gx = gy * w * inv_std``; ``gw = sum(gy * xhat)``, ``gb = sum(gy)``.
    """

    reads = {"x": ("w",), "w": ("x",)}

    def __init__(self, mean: Any, var: Any, eps: float) -> None:
        self.mean, self.var, self.eps = mean.copy(), var.copy(), eps

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        return kernels.batch_norm_eval(_as_channels(x), w, b, self.mean, self.var, self.eps).reshape(x.shape)

    def backward(self, gy: Any) -> Any:
        inv_std = (1 / np.sqrt(self.var + self.eps))[:, None]
        gy3 = _as_channels(gy)
        gx = gw = gb = None
        if self.wants[0]:
            scale = inv_std if self.w is None else self.w.reshape(-1, 1) * inv_std
            gx = (gy3 * scale).reshape(self.x.shape)
        if self.wants[1]:
            gw = (gy3 * ((_as_channels(self.x) - self.mean[:, None]) * inv_std)).sum(axis=(0, 2))
        if self.wants[2]:
            gb = gy3.sum(axis=(0, 2))
        return gx, gw, gb


class LayerNorm(Node):
    """``w * xhat + b``, where ``xhat`` is ``x`` normalised over its last axes, as many as ``w`` has.

    Backward: ``gx = inv_std * (g - mean(g) - xhat * mean(g * xhat))`` with ``g = w * gy``;
    ``gw = sum(gy * xhat)``, ``gb = sum(gy)`` (Ba, Kiros and Hinton, 2016).
    """

    reads = {"x": ("x", "w"), "w": ("x",)}

    def __init__(self, normalized_shape: tuple[int, ...], eps: float) -> None:
        self.normalized_shape, self.eps = normalized_shape, eps

    def _rows(self, x: Any) -> Any:
        size = math.prod(self.normalized_shape)
        return x.reshape(math.prod(x.shape) // size if size else 0, size)

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        w1, b1 = (None if p is None else p.reshape(-1) for p in (w, b))
        y, self.mean, self.inv_std = kernels.layer_norm(self._rows(x), w1, b1, self.eps)
        return y.reshape(x.shape)

    def backward(self, gy: Any) -> Any:
        gy2, x2 = self._rows(gy), self._rows(self.x)
        w = None if self.w is None else self.w.reshape(-1)
        gw: Any
        gb: Any = None
        if is_array(gy):
            gx, gw, gb = kernels.layer_norm_backward(gy2, x2, w, self.mean, self.inv_std)
        else:
            xhat, inv_std = _normalised(x2, (1,), self.eps)
            gx = _input_gradient(gy2 if w is None else gy2 * w, xhat, inv_std, (1,))
            gw = (gy2 * xhat).sum(axis=0)
        if self.wants[2] and gb is None:
            gb = gy2.sum(axis=0)
        shaped = [
            g.reshape(self.normalized_shape) if wanted else None
            for g, wanted in zip((gw, gb), self.wants[1:], strict=True)
        ]
        return gx.reshape(self.x.shape), *shaped


class GroupNorm(Node):
    """``w * xhat + b``, where ``xhat`` is ``x`` normalised over groups of channels of each sample.

    Backward: ``gx = inv_std * (g - mean(g) - xhat * mean(g * xhat))`` with ``g = w * gy``;
    ``gw = sum(gy * xhat)``, ``gb = sum(gy)`` over the places of a channel (Wu and He, 2018).
    """

    reads = {"x": ("x", "w"), "w": ("x",)}

    def __init__(self, num_groups: int, eps: float) -> None:
        self.num_groups, self.eps = num_groups, eps

    def _rows(self, x: Any) -> Any:
        """One row for each group of each sample."""
        rows = x.shape[0] * self.num_groups
        return x.reshape(rows, math.prod(x.shape[1:]) // self.num_groups)

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        y, self.mean, self.inv_std = kernels.layer_norm(self._rows(x), None, None, self.eps)
        y = _as_channels(y.reshape(x.shape))
        if w is not None:
            y = y * w[:, None]
        if b is not None:
            y = y + b[:, None]
        return y.reshape(x.shape)

    def backward(self, gy: Any) -> Any:
        x = self.x
        gy3 = _as_channels(gy)
        g = self._rows(gy3 if self.w is None else gy3 * self.w.reshape(-1, 1))
        if is_array(gy):
            xhat = (self._rows(x) - self.mean[:, None]) * self.inv_std[:, None]
            gx = kernels.layer_norm_backward(g, self._rows(x), None, self.mean, self.inv_std)[0]
        else:
            xhat, inv_std = _normalised(self._rows(x), (1,), self.eps)
            gx = _input_gradient(g, xhat, inv_std, (1,))
        gw = (gy3 * xhat.reshape(gy3.shape)).sum(axis=(0, 2)) if self.wants[1] else None
        gb = gy3.sum(axis=(0, 2)) if self.wants[2] else None
        return gx.reshape(x.shape), gw, gb


def _check(name: str, x: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> None:
    """Raise an error if weight or bias don't fit."""
    if x.dtype.kind != "f":
        raise OperationError(f"{name}: the input must hold floating-point numbers, it is {x.dtype}")
    for label, p in (("weight", weight), ("bias", bias)):
        if tensor_or_none(name, label, p) is None:
            continue
        if p.shape != shape:
            raise OperationError(f"{name}: the {label} must have shape {shape}, it has {tuple(p.shape)}")
        if p.dtype != x.dtype:
            raise OperationError(f"{name}: the input is {x.dtype}, the {label} {p.dtype}: bring them to one dtype")


def batch_norm(
    input: T,
    running_mean: Any,
    running_var: Any,
    weight: T | None = None,
    bias: T | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> T:
    """Normalise each channel over the batch and all places.

    Parameters
    ----------
    input
        Of shape (N, C, ...).
    running_mean, running_var
        Of shape (C,), or None. In training they move towards the batch's mean and (unbiased) variance, in
        place; else they are what is normalised by.
    weight, bias
        Of shape (C,), or None.
    training
        Whether to normalise by the batch's own mean and variance.
    momentum
        How far the running ones move: ``running = (1 - momentum) * running + momentum * batch``.
    eps
        Added to the variance.

    Raises
    ------
    OperationError
        If shapes don't fit, or a channel has one value only, which has no variance.
    """
    x: Any = tensor("batch_norm", "input", input)
    shape = x.shape
    if len(shape) < 2:
        raise OperationError(f"batch_norm: the input must have shape (N, C, ...), it has {shape}")
    channels = (shape[1],)
    eps, momentum = number("batch_norm", "eps", eps, 0), number("batch_norm", "momentum", momentum)
    _check("batch_norm", x, weight, bias, channels)
    for label, running in (("running_mean", running_mean), ("running_var", running_var)):
        if tensor_or_none("batch_norm", label, running) is not None and running.shape != channels:
            raise OperationError(f"batch_norm: {label} must have shape {channels}, it has {running.shape}")
    if not flag("batch_norm", "training", training):
        if running_mean is None or running_var is None:
            raise OperationError("batch_norm: with training=False it needs running_mean and running_var")
        return BatchNormEval(array_of(running_mean), array_of(running_var), eps).apply_to(x, weight, bias)
    count = shape[0] * math.prod(shape[2:])
    if count == 1:
        raise OperationError(
            f"batch_norm: in training it needs more than one value per channel, the input has shape {shape}: "
            "use a larger batch, or eval()"
        )
    if eps == 0:
        raise OperationError("batch_norm: eps must be above 0 in training, where a channel may be constant")
    node = BatchNorm(eps)
    result = node.apply_to(x, weight, bias)
    if count and (running_mean is not None or running_var is not None):
        # (Where there is only one of them, nobody reads what stands in for the other.)
        mean, var = (np.zeros(channels) if r is None else array_of(r) for r in (running_mean, running_var))
        kernels.move_running(mean, var, node.mean, node.inv_std, eps, momentum, count / max(count - 1, 1))
    return result


def layer_norm(
    input: T,
    normalized_shape: Sequence[int],
    weight: T | None = None,
    bias: T | None = None,
    eps: float = 1e-5,
) -> T:
    """Normalise over the last axes.

    Parameters
    ----------
    normalized_shape
        The shape of those axes.
    weight, bias
        Of that shape, or None.
    eps
        Added to the variance.

    Raises
    ------
    OperationError
        If the input doesn't end in that shape.
    """
    axes = as_sizes("layer_norm", normalized_shape, "normalized_shape")
    x: Any = tensor("layer_norm", "input", input)
    if not axes or x.shape[-len(axes) :] != axes:
        raise OperationError(f"layer_norm: normalized_shape={axes} must be the last sizes of the input's {x.shape}")
    eps = number("layer_norm", "eps", eps)
    _check("layer_norm", x, weight, bias, axes)
    return LayerNorm(axes, eps).apply_to(x, weight, bias)


def group_norm(input: T, num_groups: int, weight: T | None = None, bias: T | None = None, eps: float = 1e-5) -> T:
    """Normalise over groups of channels, sample by sample.

    Parameters
    ----------
    input
        Of shape (N, C, ...).
    num_groups
        How many groups the C channels fall into.
    weight, bias
        Of shape (C,), or None.
    eps
        Added to the variance.

    Raises
    ------
    OperationError
        If the channels can't be split into so many groups.
    """
    x: Any = tensor("group_norm", "input", input)
    if len(x.shape) < 2:
        raise OperationError(f"group_norm: the input must have shape (N, C, ...), it has {x.shape}")
    num_groups = integer("group_norm", "num_groups", num_groups, 1)
    if x.shape[1] % num_groups:
        raise OperationError(f"group_norm: {x.shape[1]} channels can't be split into num_groups={num_groups}")
    eps = number("group_norm", "eps", eps)
    _check("group_norm", x, weight, bias, (x.shape[1],))
    return GroupNorm(num_groups, eps).apply_to(x, weight, bias)
