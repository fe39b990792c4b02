"""Losses of numbers: mse_loss, l1_loss, smooth_l1_loss, huber_loss, the binary cross-entropies, kl_div.

Each compares element by element and then reduces: by the mean, by the sum or not at all. The losses of
classes are in ``classification.py``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minigrad.arguments import choice, flag, number, tensor_or_none, tensors, wrong_value
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.activation import Hardtanh, softplus
from minigrad.ops.common import T, promoted, shape_of, unbroadcast
from minigrad.ops.elementwise import Sign, exp, log, sigmoid
from minigrad.ops.select import Clamp, Where


class _Loss(Node):
    """A loss element by element, and its reduction."""

    def __init__(self, reduction: str) -> None:
        self.reduction = reduction

    def reduced(self, losses: Any) -> Any:
        """The mean, the sum, or all of the losses."""
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        self.count = losses.size
        return losses.mean() if losses.size else losses.dtype.type(np.nan)

    def each(self, gy: Any) -> Any:
        """The gradient of each element's loss."""
        return gy / self.count if self.reduction == "mean" and self.count else gy

    def both(self, gd: Any, a: Any, b: Any) -> Any:
        """The gradients of ``a`` and ``b`` from that of their difference ``a - b``."""
        ga = unbroadcast(gd, a.shape) if self.wants[0] else None
        return ga, -unbroadcast(gd, b.shape) if self.wants[1] else None


class MSELoss(_Loss):
    """``(a - b) ** 2``, reduced. Backward: ``ga = 2 * (a - b) * gy``, ``gb = -ga``, by the reduction's share."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        d = a - b
        return self.reduced(d * d)

    def backward(self, gy: Any) -> Any:
        return self.both((self.a - self.b) * (2 * self.each(gy)), self.a, self.b)


class L1Loss(_Loss):
    """``|a - b|``, reduced. Backward: ``ga = sign(a - b) * gy``, ``gb = -ga``, by the reduction's share."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        return self.reduced(np.abs(a - b))

    def backward(self, gy: Any) -> Any:
        sign = Sign().forward(array_of(self.a) - array_of(self.b))  # 0 for NaN
        return self.both(self.each(gy) * sign, self.a, self.b)


class HuberLoss(_Loss):
    """``d**2 / 2`` for ``d = |a - b|`` up to ``delta``, then ``delta * (d - delta / 2)``, times ``scale``; reduced.

    Backward: ``ga = (a - b)``, held between ``-delta`` and ``delta``, times ``scale * gy`` (Huber, 1964).
    """

    def __init__(self, reduction: str, delta: float, scale: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta, self.scale = delta, scale

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        d = np.abs(a - b)
        losses = np.where(d < self.delta, 0.5 * d * d, self.delta * (d - 0.5 * self.delta))
        return self.reduced(losses * self.scale)

    def backward(self, gy: Any) -> Any:
        slope = Hardtanh(-self.delta, self.delta).apply_to(self.a - self.b)  # flat at its corners
        return self.both(slope * (self.each(gy) * self.scale), self.a, self.b)


class BinaryCrossEntropy(_Loss):
    """``-w * (t * log(p) + (1 - t) * log(1 - p))``, reduced, with logarithms no less than -100.

    Backward: ``gp = gy * w * (p - t) / (p * (1 - p))``, ``gt = gy * w * (log(1 - p) - log(p))``.
    """

    reads = {"p": ("p", "t", "w"), "t": ("p", "w")}

    def forward(self, p: Any, t: Any, w: Any) -> Any:
        self.p, self.t, self.w = p, t, w
        if p.size and not (p.min() >= 0 and p.max() <= 1):
            raise ValueError(
                "the input must hold probabilities, between 0 and 1; for logits, use binary_cross_entropy_with_logits"
            )
        with np.errstate(divide="ignore"):
            losses = -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))
        return self.reduced(losses if w is None else losses * w)

    def backward(self, gy: Any) -> Any:
        p, t = self.p, self.t
        g = self.each(gy) if self.w is None else self.each(gy) * array_of(self.w)
        gp = g * (p - t) / Clamp().apply_to(p * (1 - p), 1e-12, None) if self.wants[0] else None
        gt = None
        if self.wants[1]:
            gt = g * (Clamp().apply_to(log(1 - p), -100, None) - Clamp().apply_to(log(p), -100, None))
        return gp, gt, None


class BinaryCrossEntropyWithLogits(_Loss):
    """``w * ((1 - t) * x + k * softplus(-x))`` with ``k = 1 + (pos_weight - 1) * t``, reduced.

    Backward: ``gx = gy * w * (1 - t + k * (sigmoid(x) - 1))``, which is ``gy * w * (sigmoid(x) - t)`` where
    pos_weight is 1; ``gt = gy * w * ((pos_weight - 1) * softplus(-x) - x)``.
    """

    reads = {"x": ("x", "t"), "t": ("x",)}

    def __init__(self, reduction: str, weight: Any, pos_weight: Any) -> None:
        super().__init__(reduction)
        self.weight = 1.0 if weight is None else weight
        self.extra = None if pos_weight is None else pos_weight - 1

    def forward(self, x: Any, t: Any) -> Any:
        self.x, self.t = x, t
        above = np.log1p(np.exp(-np.abs(x))) - np.minimum(x, 0)  # softplus(-x), with no overflow
        k = 1 if self.extra is None else 1 + self.extra * t
        return self.reduced(((1 - t) * x + k * above) * self.weight)

    def backward(self, gy: Any) -> Any:
        x, t = self.x, self.t
        g = self.each(gy) * self.weight
        p = sigmoid(x)
        gx = gt = None
        if self.wants[0]:
            gx = g * (p - t if self.extra is None else (1 - t) + (t * self.extra + 1) * (p - 1))
            gx = unbroadcast(gx, x.shape)
        if self.wants[1]:
            gt = unbroadcast(g * (-x if self.extra is None else softplus(-x) * self.extra - x), t.shape)
        return gx, gt


class KLDiv(_Loss):
    """``t * (log(t) - x)``, reduced; 0 where ``t`` is 0. Backward: ``gx = -t * gy``, ``gt = (log(t) + 1 - x) * gy``."""

    reads = {"x": ("t",), "t": ("x", "t")}

    def forward(self, x: Any, t: Any) -> Any:
        self.x, self.t = x, t
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.reduced(np.where(t == 0, 0, t * np.log(t)) - t * x)

    def backward(self, gy: Any) -> Any:
        x, t = self.x, self.t
        g = self.each(gy)
        gx = unbroadcast(-(g * t), x.shape) if self.wants[0] else None
        gt = None
        if self.wants[1]:
            inside = Where().apply_to(array_of(t) > 0, t, 1)
            gt = unbroadcast(g * (Where().apply_to(array_of(t) > 0, log(inside) + 1, 0) - x), t.shape)
        return gx, gt


class KLDivLog(_Loss):
    """``exp(t) * (t - x)``, reduced. Backward: ``gx = -exp(t) * gy``, ``gt = exp(t) * (t + 1 - x) * gy``."""

    reads = {"x": ("t",), "t": ("x", "t")}

    def forward(self, x: Any, t: Any) -> Any:
        self.x, self.t = x, t
        return self.reduced(np.exp(t) * (t - x))

    def backward(self, gy: Any) -> Any:
        x, t = self.x, self.t
        g = self.each(gy) * exp(t)
        gx = unbroadcast(-g, x.shape) if self.wants[0] else None
        return gx, unbroadcast(g * (t + 1 - x), t.shape) if self.wants[1] else None


def check_reduction(name: str, reduction: str) -> None:
    """Accept PyTorch's three reductions.

    Raises
    ------
    OperationError
        For any other word.
    """
    choice(name, "reduction", reduction, ("mean", "sum", "none"))


def legacy_reduction(size_average: Any, reduce: Any, reduction: str) -> str:
    """PyTorch's two old flags, as the word that replaced them; where one is given, the word doesn't count."""
    if size_average is None and reduce is None:
        return reduction
    for name, value in (("size_average", size_average), ("reduce", reduce)):
        if value is not None:
            flag("a loss", name, value)
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"


def _compared(
    name: str, input: Any, target: Any, reduction: str, size_average: Any, reduce: Any
) -> tuple[Any, Any, str]:
    """The two operands in one dtype, and the reduction, checked."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(name, reduction)
    tensors(name, input=input, target=target)
    a, b = promoted(input, target)
    if shape_of(a) != shape_of(b):
        warnings.warn(
            f"{name}: the input has shape {tuple(shape_of(a))} and the target {tuple(shape_of(b))}: they are "
            "broadcast, which is seldom meant",
            UserWarning,
            stacklevel=3,
        )
    return a, b, reduction


def _weighted(losses: Any, weight: Any, reduction: str, by_count: bool = False) -> Any:
    """Losses times weights, reduced; the mean is over the weights, or over the elements, as PyTorch has it."""
    if shape_of(weight) != shape_of(losses):
        raise OperationError(f"the weight has shape {shape_of(weight)}, the losses {shape_of(losses)}: one for each")
    weighted = losses * weight
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    return weighted.mean() if by_count else weighted.sum() / weight.sum()


def mse_loss(
    input: T, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> T:
    """The squared error, ``(input - target) ** 2``, element by element, and reduced.

    With a weight for each element, the mean is the sum divided by that of the weights.
    """
    a, b, reduction = _compared("mse_loss", input, target, reduction, size_average, reduce)
    if weight is not None:
        return _weighted(MSELoss("none").apply_to(a, b), weight, reduction)
    return MSELoss(reduction).apply_to(a, b)


def l1_loss(input: T, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> T:
    """The absolute error, ``|input - target|``, element by element, and reduced."""
    a, b, reduction = _compared("l1_loss", input, target, reduction, size_average, reduce)
    return L1Loss(reduction).apply_to(a, b)


def smooth_l1_loss(
    input: T, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
) -> T:
    """Squared below ``beta``, absolute above (Girshick, 2015): ``d**2 / (2 beta)``, then ``d - beta / 2``."""
    a, b, reduction = _compared("smooth_l1_loss", input, target, reduction, size_average, reduce)
    beta = number("smooth_l1_loss", "beta", beta, 0)
    return (HuberLoss(reduction, beta, 1 / beta) if beta else L1Loss(reduction)).apply_to(a, b)


def huber_loss(input: T, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> T:
    """Squared below ``delta``, absolute above (Huber, 1964); ``weight`` has a number for each element."""
    a, b, reduction = _compared("huber_loss", input, target, reduction, None, None)
    delta = number("huber_loss", "delta", delta)
    if not delta > 0:
        raise wrong_value("huber_loss", "delta", "above 0", delta)
    if weight is not None:
        return _weighted(HuberLoss("none", delta).apply_to(a, b), weight, reduction, by_count=True)
    return HuberLoss(reduction, delta).apply_to(a, b)


def binary_cross_entropy(
    input: T, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> T:
    """The cross-entropy of probabilities ``input`` and targets between 0 and 1, of one shape.

    Raises
    ------
    OperationError
        If the shapes differ, or an input is no probability.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction("binary_cross_entropy", reduction)
    tensors("binary_cross_entropy", input=input, target=target)
    tensor_or_none("binary_cross_entropy", "weight", weight)
    if shape_of(input) != shape_of(target):
        raise OperationError(
            f"binary_cross_entropy: the input has shape {shape_of(input)}, the target {shape_of(target)}: "
            "they must be the same"
        )
    return BinaryCrossEntropy(reduction).apply_to(input, target, weight)


def binary_cross_entropy_with_logits(
    input: T,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> T:
    """The cross-entropy of ``sigmoid(input)`` and targets between 0 and 1, with no overflow.

    Raises
    ------
    OperationError
        If the shapes differ.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    name = "binary_cross_entropy_with_logits"
    check_reduction(name, reduction)
    tensors(name, input=input, target=target)
    tensor_or_none(name, "weight", weight)
    tensor_or_none(name, "pos_weight", pos_weight)
    if shape_of(input) != shape_of(target):
        raise OperationError(
            f"{name}: the input has shape {shape_of(input)}, the target {shape_of(target)}: they must be the same"
        )
    arrays = (None if w is None else array_of(w) for w in (weight, pos_weight))
    return BinaryCrossEntropyWithLogits(reduction, *arrays).apply_to(input, target)


def kl_div(
    input: T,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> T:
    """The divergence of Kullback and Leibler, ``target * (log(target) - input)``; ``input`` holds logarithms."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    tensors("kl_div", input=input, target=target)
    choice("kl_div", "reduction", reduction, ("mean", "sum", "none", "batchmean"))
    node = KLDivLog if flag("kl_div", "log_target", log_target) else KLDiv
    if reduction != "batchmean":
        return node(reduction).apply_to(input, target)
    rows = shape_of(input)[0] if shape_of(input) else 1
    return node("sum").apply_to(input, target) / rows
