"""Lowering the rate when the loss no longer falls."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

from minigrad import arguments
from minigrad.optim import settings
from minigrad.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_each, set_value, values_of
from minigrad.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rate by ``factor`` when a metric has not improved for more than ``patience`` steps.

    Parameters
    ----------
    optimizer
        The optimizer.
    mode
        Whether the metric improves downward, ``"min"``, or upward, ``"max"``.
    factor
        The factor, below 1.
    patience
        How many steps without improvement are let pass.
    threshold, threshold_mode
        What counts as an improvement: by this part of the best value so far, ``"rel"``, or by this
        amount, ``"abs"``.
    cooldown
        How many steps after a change are not counted.
    min_lr
        The rate is not lowered below this; a list has one bound for each group.
    eps
        A change smaller than this is not made.

    Raises
    ------
    ValueError
        For ``factor`` of 1 or more, or for an unknown mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = mg.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0]:
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        settings.numbers("ReduceLROnPlateau", factor=factor, patience=patience, threshold=threshold)
        settings.numbers("ReduceLROnPlateau", cooldown=cooldown, eps=eps)
        settings.lists("ReduceLROnPlateau", min_lr=min_lr)
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0, not {factor}")
        check_optimizer(optimizer)
        arguments.choice("ReduceLROnPlateau", "mode", mode, ("min", "max"))
        arguments.choice("ReduceLROnPlateau", "threshold_mode", threshold_mode, ("rel", "abs"))
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = one_each("min_lr", optimizer, min_lr)
        self.eps = eps
        self.last_epoch = 0
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = values_of(optimizer, "lr")

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # PyTorch's signature
        """Take note of the metric, and lower the rate if it is time.

        Parameters
        ----------
        metrics
            A number, or a tensor of one element.
        epoch
            Deprecated: the number of this step.
        """
        if epoch is not None:
            warnings.warn("step(metrics, epoch) is deprecated: call step(metrics)", UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        current = settings.one("ReduceLROnPlateau.step", "metrics", metrics)
        if self._is_better(current):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = values_of(self.optimizer, "lr")

    @property
    def in_cooldown(self) -> bool:
        """Whether steps without improvement are not counted at present."""
        return self.cooldown_counter > 0

    def _is_better(self, current: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bound = self.best * (1 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return current > bound if self.mode == "max" else current < bound

    def _reduce_lr(self) -> None:
        """Lower the rate of each group, but not below its bound."""
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # a group was added since
            bounds = self.min_lrs if self.default_min_lr is None else self.default_min_lr
            self.min_lrs = one_each("min_lrs", self.optimizer, bounds)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            before = float(group["lr"])
            after = max(before * self.factor, lowest)
            if before - after > self.eps:
                set_value(group, "lr", after)
