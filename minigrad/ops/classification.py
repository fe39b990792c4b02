"""Losses of classes: cross_entropy and nll_loss.

Cross-entropy is one node, from the logits to the loss: its gradient is the difference between the
probabilities and the target, which needs neither the logarithm nor its overflow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import integer, number, tensor
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import classification as kernels
from minigrad.ops.arithmetic import add, mul
from minigrad.ops.common import T, is_array, shape_of
from minigrad.ops.index import IndexAdd
from minigrad.ops.loss import check_reduction, legacy_reduction
from minigrad.ops.shape import Permute, Reshape
from minigrad.ops.softmax import log_softmax, softmax


class CrossEntropy(Node):
    """``-sum(t * log_softmax(x))`` for each row, reduced. Backward: ``gx = gy * (softmax(x) * sum(t) - t)``.

    The target ``t`` is 1 at the label and 0 elsewhere; smoothing spreads a part of the 1 evenly over all
    classes, and ``weight`` multiplies each class.
    """

    def __init__(self, labels: Any, weight: Any, ignore_index: int, label_smoothing: float, reduction: str) -> None:
        self.labels, self.weight, self.ignore_index = labels, weight, ignore_index
        self.label_smoothing, self.reduction = label_smoothing, reduction

    def forward(self, x: Any) -> Any:
        self.x = x
        losses, self.log_probs = kernels.cross_entropy(
            x, self.labels, self.weight, self.ignore_index, self.label_smoothing
        )
        if self.reduction == "none":
            return losses
        total = losses.sum()
        if self.reduction == "sum":
            return total
        self.divisor = _total_weight(self.labels, self.weight, self.ignore_index, x.dtype)
        with np.errstate(invalid="ignore", divide="ignore"):  # nothing to average gives NaN, as in PyTorch
            return total / self.divisor

    def backward(self, gy: Any) -> Any:
        # (Where no row counts, none gets a gradient.)
        if self.reduction == "mean" and (self.divisor or (self.labels != self.ignore_index).any()):
            gy = gy / self.divisor
        if is_array(gy):
            g_rows = np.full(self.labels.shape, gy, gy.dtype)
            return kernels.cross_entropy_backward(
                g_rows, self.log_probs, self.labels, self.weight, self.ignore_index, self.label_smoothing
            )
        if self.reduction == "none":
            gy = gy.reshape(-1, 1)
        target = self.target()
        return gy * (softmax(self.x, 1) * target.sum(axis=1, keepdims=True) - target)

    def target(self) -> Any:
        """What each row's probabilities are pulled towards."""
        rows, classes = self.x.shape
        kept = self.labels != self.ignore_index
        target = np.full((rows, classes), self.label_smoothing / classes, self.log_probs.dtype)
        target[kept, self.labels[kept]] += 1 - self.label_smoothing
        target[~kept] = 0
        return target if self.weight is None else target * self.weight


class NLLLoss(Node):
    """``-weight[label] * x[label]`` for each row, reduced. Backward: ``gx`` is ``-weight[label] * gy`` there."""

    def __init__(self, labels: Any, weight: Any, ignore_index: int, reduction: str) -> None:
        self.labels, self.weight, self.ignore_index, self.reduction = labels, weight, ignore_index, reduction

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        kept = self.labels != self.ignore_index
        label = np.where(kept, self.labels, 0)
        self.key = np.arange(len(label)), label
        self.factor = -kept.astype(x.dtype) if self.weight is None else -self.weight[label] * kept
        losses = np.where(kept, x[self.key] * self.factor, 0)
        if self.reduction == "none":
            return losses
        if self.reduction == "mean":
            divisor = _total_weight(self.labels, self.weight, self.ignore_index, x.dtype)
            with np.errstate(invalid="ignore", divide="ignore"):
                self.factor = np.where(kept, self.factor / divisor, 0)  # no row that is ignored gets a gradient
                return losses.sum() / divisor
        return losses.sum()

    def backward(self, gy: Any) -> Any:
        return IndexAdd(self.key, self.from_shape).apply_to(gy * self.factor)


def _total_weight(labels: Any, weight: Any, ignore_index: int, dtype: Any) -> Any:
    """What a mean divides by: the number of rows that count, each with the weight of its class."""
    kept = labels != ignore_index
    return dtype.type(np.count_nonzero(kept)) if weight is None else weight[labels[kept]].sum(dtype=dtype)


def _rows(name: str, input: Any, target: Any, ignore_index: int) -> tuple[Any, Any]:
    """The logits as (rows, classes) and the labels as (rows,), checked."""
    shape = input.shape
    labels = array_of(target)
    if not shape or (len(shape) > 1 and len(labels.shape) != len(shape) - 1):
        raise OperationError(
            f"{name}: the input must have shape (N, classes, ...) and the labels (N, ...), or (classes,) and (); "
            f"they have {tuple(shape)} and {labels.shape}"
        )
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape != expected:
        raise OperationError(
            f"{name}: for an input of shape {tuple(shape)} the labels must have shape {tuple(expected)}, "
            f"they have {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise OperationError(f"{name}: labels must be integers (the classes' numbers), they are {labels.dtype}")
    classes = shape[min(len(shape) - 1, 1)]
    _check_range(name, labels, classes, ignore_index)
    flat = labels.reshape(-1)
    if len(shape) == 1:
        return Reshape((1, classes)).apply_to(input), flat
    if len(shape) == 2:
        return input, flat
    last = Permute((0, *range(2, len(shape)), 1)).apply_to(input)
    return Reshape((flat.size, classes)).apply_to(last), flat


def _check_range(name: str, labels: Any, classes: int, ignore_index: int) -> None:
    """Raise an error if a label is the number of no class."""
    if not labels.size or (labels.min() >= 0 and labels.max() < classes):
        return
    flat = labels.reshape(-1)
    wrong = np.flatnonzero(((flat < 0) | (flat >= classes)) & (flat != ignore_index))
    if wrong.size:
        place = tuple(int(i) for i in np.unravel_index(wrong[0], labels.shape)) if labels.ndim > 1 else int(wrong[0])
        raise IndexError(
            f"{name}: label {flat[wrong[0]]} at position {place} is out of range: "
            f"with {classes} classes, labels go from 0 to {classes - 1}"
        )


def _class_weight(name: str, weight: Any, input: Any) -> Any:
    """The weight as an array, checked."""
    if weight is None:
        return None
    array = array_of(tensor(name, "weight", weight))
    classes = input.shape[min(len(input.shape) - 1, 1)]
    if array.shape != (classes,):
        raise OperationError(f"{name}: weight must have one number a class, shape ({classes},), it has {array.shape}")
    if array.dtype != input.dtype:
        raise OperationError(f"{name}: the input is {input.dtype}, the weight {array.dtype}: bring them to one dtype")
    return array


def cross_entropy(
    input: T,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> T:
    """Give the cross-entropy between logits and labels, or between logits and probabilities.

    Parameters
    ----------
    input
        Logits, of shape (N, classes), (classes,) or (N, classes, d1, ...).
    target
        Labels, of the input's shape without the classes; or probabilities, of the input's shape.
    weight
        One number a class: how much it counts.
    size_average, reduce
        PyTorch's older words for ``reduction``.
    ignore_index
        Places with this label don't count.
    reduction
        ``"mean"`` (over places that count, by weight), ``"sum"`` or ``"none"``.
    label_smoothing
        Which part of the target is spread evenly over all classes.

    Raises
    ------
    OperationError
        If shapes don't fit.
    IndexError
        For a label out of range.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction("cross_entropy", reduction)
    label_smoothing = number("cross_entropy", "label_smoothing", label_smoothing, 0, 1)
    x: Any = tensor("cross_entropy", "input", input)
    tensor("cross_entropy", "target", target)
    ignore_index = integer("cross_entropy", "ignore_index", ignore_index)
    factor = _class_weight("cross_entropy", weight, x)
    if shape_of(target) == x.shape and x.shape and target.dtype.kind == "f":
        if ignore_index >= 0:
            raise OperationError("cross_entropy: ignore_index names a label, and this target is of probabilities")
        return _soft_cross_entropy(x, target, factor, reduction, label_smoothing)
    logits, labels = _rows("cross_entropy", x, target, ignore_index)
    node = CrossEntropy(labels, factor, ignore_index, label_smoothing, reduction)
    result = node.apply_to(logits)
    if reduction == "none" and len(x.shape) != 2:
        result = Reshape(shape_of(target)).apply_to(result)
    return result


def _soft_cross_entropy(x: Any, target: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    """Cross-entropy with probabilities for a target."""
    axis = min(len(x.shape) - 1, 1)
    if label_smoothing:
        target = add(mul(target, 1 - label_smoothing), label_smoothing / x.shape[axis])
    if weight is not None:
        target = mul(target, weight.reshape(-1, *(1,) * (len(x.shape) - axis - 1)))
    losses = -mul(log_softmax(x, axis), target).sum(axis=axis)
    if reduction == "none":
        return losses
    total = losses.sum()
    return total if reduction == "sum" else total / (math.prod(x.shape) / x.shape[axis])


def nll_loss(
    input: T,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> T:
    """Give the negative log-probability of the labels; with ``log_softmax`` before it, the cross-entropy.

    Parameters
    ----------
    input
        Log-probabilities, of shape (N, classes), (classes,) or (N, classes, d1, ...).
    target
        Labels, of the input's shape without the classes.
    weight, size_average, ignore_index, reduce, reduction
        As for ``cross_entropy``.

    Raises
    ------
    OperationError
        If shapes don't fit.
    IndexError
        For a label out of range.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction("nll_loss", reduction)
    x: Any = tensor("nll_loss", "input", input)
    tensor("nll_loss", "target", target)
    ignore_index = integer("nll_loss", "ignore_index", ignore_index)
    factor = _class_weight("nll_loss", weight, x)
    rows, labels = _rows("nll_loss", x, target, ignore_index)
    result: T = NLLLoss(labels, factor, ignore_index, reduction).apply_to(rows)
    if reduction == "none" and len(x.shape) != 2:
        result = Reshape(shape_of(target)).apply_to(result)
    return result
