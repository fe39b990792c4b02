"""Losses as layers.

``reduction`` is ``"mean"``, ``"sum"``, or ``"none"`` for one value an element. ``size_average`` and
``reduce`` are PyTorch's older spellings of it: they are accepted, but better left out.
"""

from __future__ import annotations

from minigrad.arguments import choice, flag, integer, number, numbers, truths
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.ops.loss import legacy_reduction
from minigrad.tensors.tensor import Tensor


class _Loss(Module):
    """What the losses share: a reduction."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        truths(type(self).__name__, size_average=size_average, reduce=reduce)
        word = legacy_reduction(size_average, reduce, reduction)
        self.reduction = choice(type(self).__name__, "reduction", word, ("mean", "sum", "none"))


class _WeightedLoss(_Loss):
    """A loss with a weight, which is part of the state where it is given."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """The squared difference."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The absolute difference."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """``d**2 / (2 * beta)`` for differences ``d`` below ``beta``, ``|d| - beta / 2`` above."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        numbers("SmoothL1Loss", beta=beta)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """``d**2 / 2`` for differences ``d`` below ``delta``, ``delta * (|d| - delta / 2)`` above.

    Huber, 1964.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        numbers("HuberLoss", delta=delta)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class KLDivLoss(_Loss):
    """``target * (log(target) - input)``: how far log-probabilities are from a target distribution.

    Parameters
    ----------
    reduction
        Also ``"batchmean"``, the sum divided by the batch size, which is the divergence itself.
    log_target
        Whether the target is given as log-probabilities too.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        flag("KLDivLoss", "log_target", log_target)
        of_batch = isinstance(reduction, str) and reduction == "batchmean"
        super().__init__(size_average, reduce, "sum" if of_batch else reduction)
        self.reduction = reduction if of_batch else self.reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class CrossEntropyLoss(_WeightedLoss):
    """The negative log-probability of the right class, from logits.

    Parameters
    ----------
    weight
        A weight for each class.
    ignore_index
        Targets with this value don't count.
    reduction
        ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
    label_smoothing
        The share of the target that is spread evenly over all classes.

    Examples
    --------
    >>> import minigrad as mg
    >>> round(mg.nn.CrossEntropyLoss()(mg.zeros(1, 4), mg.tensor([2])).item(), 4)
    1.3863
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = integer("CrossEntropyLoss", "ignore_index", ignore_index)
        self.label_smoothing = number("CrossEntropyLoss", "label_smoothing", label_smoothing, least=0, most=1)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare logits (N, C, ...) with classes (N, ...) or with probabilities (N, C, ...)."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """The negative log-probability of the right class, from log-probabilities.

    Parameters
    ----------
    weight
        A weight for each class.
    ignore_index
        Targets with this value don't count.
    reduction
        ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = integer("NLLLoss", "ignore_index", ignore_index)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare log-probabilities (N, C, ...) with classes (N, ...)."""
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCELoss(_WeightedLoss):
    """The cross-entropy of a yes and a no, from probabilities; ``weight`` is broadcast to the elements."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """The cross-entropy of a yes and a no, from logits.

    Parameters
    ----------
    weight
        Broadcast to the elements.
    reduction
        ``"mean"``, ``"sum"`` or ``"none"``.
    pos_weight
        The weight of a yes, broadcast to the elements.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
