"""Schedules that hold or change the rate over a given number of steps: constant, linear, cosine."""

from __future__ import annotations

import math
from typing import Any

from minigrad.optim import settings
from minigrad.optim.lr_scheduler.base import LRScheduler
from minigrad.optim.optimizer import Optimizer


class ConstantLR(LRScheduler):
    """Multiply the rate by ``factor`` for the first ``total_iters`` steps.

    Parameters
    ----------
    optimizer
        The optimizer.
    factor
        From 0 to 1.
    total_iters
        The number of steps.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If ``factor`` is not between 0 and 1.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        settings.numbers("ConstantLR", factor=factor, total_iters=total_iters)
        if factor > 1.0 or factor < 0:
            raise ValueError(f"Constant multiplicative factor expected to be between 0 and 1, not {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates; in step 0 times ``factor``, in step ``total_iters`` divided by it."""
        rates = self._current_lrs()
        if self.last_epoch == 0:
            return [rate * self.factor for rate in rates]
        if self.last_epoch != self.total_iters:
            return rates
        settings.above_0("ConstantLR", factor=self.factor)
        return [rate * (1.0 / self.factor) for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base_lr * factor for base_lr in self.base_lrs]


class LinearLR(LRScheduler):
    """Multiply the rate by a factor that goes in a straight line: a warm-up, unless told otherwise.

    ``base_lr * (start_factor + (end_factor - start_factor) * min(t, total_iters) / total_iters)``

    Parameters
    ----------
    optimizer
        The optimizer.
    start_factor, end_factor
        The factor in step 0, above 0 and at most 1, and from step ``total_iters`` on, from 0 to 1.
    total_iters
        The number of steps.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If a factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        settings.numbers("LinearLR", start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1, "
                f"not {start_factor}"
            )
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError(f"Ending multiplicative factor expected to be between 0 and 1, not {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates times the quotient of this step's factor and the last one's."""
        rates = self._current_lrs()
        if self.last_epoch == 0:
            return [rate * self.start_factor for rate in rates]
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [rate * (1.0 + rise / before) for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * done
        return [base_lr * factor for base_lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Let the rate fall along half a cosine wave (Loshchilov and Hutter, 2017, without restarts).

    ``eta_min + (base_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2``; after ``T_max`` steps it rises again.

    Parameters
    ----------
    optimizer
        The optimizer.
    T_max
        The number of steps from the highest rate to the lowest.
    eta_min
        The lowest rate.
    last_epoch
        See ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        settings.numbers("CosineAnnealingLR", eta_min=eta_min)
        settings.above_0("CosineAnnealingLR", T_max=T_max)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates, their height above ``eta_min`` scaled as the wave's is."""
        rates = self._current_lrs()
        if self._is_initial:
            return rates
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()  # started in mid-course, by SequentialLR
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The last step was at the bottom: there is no height to scale.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(rates, self.base_lrs, strict=True)
            return [rate + (base_lr - self.eta_min) * rise for rate, base_lr in pairs]
        now = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        return [now / before * (rate - self.eta_min) + self.eta_min for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base_lr - self.eta_min) * height for base_lr in self.base_lrs]
