"""Losses of distances and margins: of pairs, of triplets, of classes; and those of counts and of variances.

Each is written in the operations that its formula names, so a trace shows the formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.arguments import choice, flag, function, number, tensor, tensor_or_none, tensors, wrong_value
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.activation import logsigmoid, relu, softplus
from minigrad.ops.common import shape_of
from minigrad.ops.elementwise import exp, log
from minigrad.ops.loss import check_reduction, legacy_reduction
from minigrad.ops.power import pow, sqrt
from minigrad.ops.select import minimum, where
from minigrad.ops.shape import reshape, squeeze, unsqueeze
from minigrad.ops.vector_norm import pairwise_distance


def reduced(name: str, losses: Any, reduction: str, size_average: Any = None, reduce: Any = None) -> Any:
    """The mean, the sum, or all of the losses."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(name, reduction)
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def _of_one_rank(name: str, **named: Any) -> None:
    """Check that tensors have as many dimensions as each other."""
    tensors(name, **named)
    if len({len(shape_of(x)) for x in named.values()}) > 1:
        shapes = ", ".join(f"{label} {tuple(shape_of(x))}" for label, x in named.items())
        raise OperationError(f"{name}: all inputs must have as many dimensions, their shapes are {shapes}")


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """``max(0, -target * (input1 - input2) + margin)``: the first is to be larger where the target is 1, not -1."""
    _of_one_rank("margin_ranking_loss", input1=input1, input2=input2, target=target)
    margin = number("margin_ranking_loss", "margin", margin)
    losses = relu(-target * (input1 - input2) + margin)
    return reduced("margin_ranking_loss", losses, reduction, size_average, reduce)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1."""
    tensors("hinge_embedding_loss", input=input, target=target)
    margin = number("hinge_embedding_loss", "margin", margin)
    losses = where(target == 1, input, relu(margin - input))
    return reduced("hinge_embedding_loss", losses, reduction, size_average, reduce)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1."""
    tensors("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    ranks = len(shape_of(input1)), len(shape_of(input2))
    if len(shape_of(target)) > 1 or ranks != (len(shape_of(target)) + 1,) * 2:
        shapes = f"{shape_of(input1)}, {shape_of(input2)} and {shape_of(target)}"
        raise OperationError(
            f"cosine_embedding_loss: takes (N, D), (N, D) and a target (N,), or the same without N, not shapes {shapes}"
        )
    margin = number("cosine_embedding_loss", "margin", margin)
    tiny = 1e-12  # (PyTorch's, under the root)
    lengths = sqrt(((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny))
    cos = (input1 * input2).sum(-1) / lengths
    losses = where(target == 1, 1 - cos, relu(cos - margin))
    return reduced("cosine_embedding_loss", losses, reduction, size_average, reduce)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` (Schroff et al., 2015)."""
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=legacy_reduction(size_average, reduce, reduction),
    )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The same of any distance; ``swap`` takes the negative's distance to the positive where that is smaller."""
    name = "triplet_margin_loss"
    _of_one_rank(name, anchor=anchor, positive=positive, negative=negative)
    margin, swap = number(name, "margin", margin), flag(name, "swap", swap)
    if not margin > 0:
        raise wrong_value(name, "margin", "above 0", margin)
    if distance_function is not None:
        function(name, "distance_function", distance_function)
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(name, relu(near - far + margin), reduction)


def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """``log(1 + exp(-target * input))``."""
    _of_one_rank("soft_margin_loss", input=input, target=target)
    losses = softplus(-target * input, threshold=math.inf)
    return reduced("soft_margin_loss", losses, reduction, size_average, reduce)


def _rows(name: str, input: Any, target: Any) -> Any:
    """The input, (N, C) or (C,), as rows of scores, one for each class."""
    tensors(name, input=input, target=target)
    if len(shape_of(input)) not in (1, 2) or not shape_of(input)[-1]:
        raise wrong_value(name, "input", "of shape (N, C) or (C,)", input)
    return input if len(shape_of(input)) == 2 else reshape(input, 1, -1)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: float = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The mean over the other classes of ``max(0, margin - x[label] + x[i]) ** p``, times the label's weight."""
    p, margin = number("multi_margin_loss", "p", p), number("multi_margin_loss", "margin", margin)
    choice("multi_margin_loss", "p", p, (1.0, 2.0))
    x = _rows("multi_margin_loss", input, target)
    labels = as_tensor(array_of(target).reshape(-1, 1))
    if labels.array.shape != (x.shape[0], 1) or labels.array.dtype.kind not in "iu":
        raise wrong_value("multi_margin_loss", "target", f"{x.shape[0]} integers, one a row of the input", target)
    if tensor_or_none("multi_margin_loss", "weight", weight) is not None and weight.shape != (x.shape[1],):
        raise wrong_value("multi_margin_loss", "weight", f"{x.shape[1]} numbers, one a class", weight)
    short = relu(margin - x.gather(1, labels) + x)
    others = as_tensor(np.arange(x.shape[1]) != labels.array)
    each = where(others, pow(short, p) if p != 1 else short, 0.0)
    if weight is not None:
        each = each * weight[labels.array]
    losses = each.sum(1) / x.shape[1]
    return reduced(
        "multi_margin_loss",
        losses if len(shape_of(input)) == 2 else squeeze(losses, 0),
        reduction,
        size_average,
        reduce,
    )


def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """The sum over labels and other classes of ``max(0, 1 - (x[label] - x[other]))``, divided by the classes.

    A row of the target lists its labels, up to the first -1.
    """
    x = _rows("multilabel_margin_loss", input, target)
    if shape_of(target) != shape_of(input) or not (array_of(target) < x.shape[1]).all():
        wanted = f"integers below {x.shape[1]}, in the input's shape {shape_of(input)}"
        raise wrong_value("multilabel_margin_loss", "target", wanted, target)
    listed = array_of(target).reshape(x.shape)
    listed = np.where(np.cumsum(listed < 0, 1) > 0, -1, listed)
    is_label = (listed[:, :, None] == np.arange(x.shape[1])).any(1)
    pairs = as_tensor(is_label[:, :, None] & ~is_label[:, None, :])
    losses = where(pairs, relu(1 - (x.unsqueeze(2) - x.unsqueeze(1))), 0.0).sum((1, 2)) / x.shape[1]
    return reduced(
        "multilabel_margin_loss",
        losses if len(shape_of(input)) == 2 else squeeze(losses, 0),
        reduction,
        size_average,
        reduce,
    )


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The binary cross-entropy of logits, the mean over the classes."""
    _of_one_rank("multilabel_soft_margin_loss", input=input, target=target)
    if not shape_of(input):
        raise OperationError("multilabel_soft_margin_loss: the input must have shape (N, C) or (C,)")
    tensor_or_none("multilabel_soft_margin_loss", "weight", weight)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    losses = (losses if weight is None else losses * weight).mean(-1)
    return reduced("multilabel_soft_margin_loss", losses, reduction, size_average, reduce)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """``rate - target * log(rate)`` of counts; ``input`` is the logarithm of the rate, or the rate itself.

    ``full`` adds Stirling's approximation of ``log(target!)`` for targets above 1.
    """
    tensors("poisson_nll_loss", input=input, target=target)
    eps = number("poisson_nll_loss", "eps", eps)
    log_input, full = flag("poisson_nll_loss", "log_input", log_input), flag("poisson_nll_loss", "full", full)
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        count = where(target > 1, target, 1.0)
        stirling = count * log(count) - count + 0.5 * log(2 * math.pi * count)
        losses = losses + where(target > 1, stirling, 0.0)
    return reduced("poisson_nll_loss", losses, reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """``(log(var) + (input - target)**2 / var) / 2``; ``var`` counts as ``eps`` where it is smaller.

    Raises
    ------
    OperationError
        If a variance is negative.
    """
    tensors("gaussian_nll_loss", input=input, target=target)
    full, eps = flag("gaussian_nll_loss", "full", full), number("gaussian_nll_loss", "eps", eps)
    if isinstance(var, (int, float)):
        var = as_tensor(np.full_like(array_of(input), var))
    tensor("gaussian_nll_loss", "var", var)
    if (array_of(var) < 0).any():
        raise OperationError("gaussian_nll_loss: var has negative entries")
    shape = tuple(shape_of(input))
    if len(shape) and shape_of(var) == shape[:-1]:
        var = unsqueeze(var, -1)
    if shape_of(var) not in (shape, (*shape[:-1], 1)):
        raise OperationError(
            f"gaussian_nll_loss: var must have the input's shape {shape}, or the same with a last size of 1 or "
            f"without the last, it has {shape_of(var)}"
        )
    safe = as_tensor(np.maximum(array_of(var), eps)) + (var - array_of(var))  # PyTorch's gradient passes the bound
    losses = 0.5 * (log(safe) + (input - target) ** 2 / safe)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced("gaussian_nll_loss", losses, reduction)
