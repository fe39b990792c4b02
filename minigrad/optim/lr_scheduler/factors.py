"""Schedules that multiply the rate: at certain steps, at every step, or by a function of the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from minigrad import arguments
from minigrad.optim import settings
from minigrad.optim.lr_scheduler.base import LRScheduler, check_optimizer, functions
from minigrad.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """Multiply the rate by ``gamma`` every ``step_size`` steps: ``base_lr * gamma ** (t // step_size)``.

    Parameters
    ----------
    optimizer
        The optimizer.
    step_size
        The number of steps between two changes.
    gamma
        The factor.
    last_epoch
        See ``LRScheduler``.

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=1.0)
    >>> schedule = mg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     print(schedule.get_last_lr())
    [1.0]
    [0.5]
    [0.5]
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        settings.numbers("StepLR", gamma=gamma)
        settings.above_0("StepLR", step_size=step_size)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates; every ``step_size`` steps times ``gamma``."""
        rates = self._current_lrs()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return rates
        return [rate * self.gamma for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base_lr * self.gamma ** (self.last_epoch // self.step_size) for base_lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply the rate by ``gamma`` at each milestone.

    Parameters
    ----------
    optimizer
        The optimizer.
    milestones
        Steps; one that is listed twice counts twice.
    gamma
        The factor.
    last_epoch
        See ``LRScheduler``.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        settings.numbers("MultiStepLR", gamma=gamma)
        try:
            steps = list(milestones)
        except TypeError:
            raise arguments.wrong_kind("MultiStepLR", "milestones", "a list of steps", milestones) from None
        settings.lists("MultiStepLR", milestones=steps)
        self.milestones = Counter(steps)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates; at a milestone times ``gamma``."""
        rates = self._current_lrs()
        if self.last_epoch not in self.milestones:
            return rates
        return [rate * self.gamma ** self.milestones[self.last_epoch] for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = sum(times for step, times in self.milestones.items() if step <= self.last_epoch)
        return [base_lr * self.gamma**passed for base_lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply the rate by ``gamma`` at every step: ``base_lr * gamma ** t``.

    Parameters
    ----------
    optimizer
        The optimizer.
    gamma
        The factor.
    last_epoch
        See ``LRScheduler``.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        settings.numbers("ExponentialLR", gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates times ``gamma``."""
        rates = self._current_lrs()
        return rates if self._is_initial else [rate * self.gamma for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base_lr * self.gamma**self.last_epoch for base_lr in self.base_lrs]


class LambdaLR(LRScheduler):
    """Multiply the first rate by a function of the step: ``base_lr * lr_lambda(t)``.

    Parameters
    ----------
    optimizer
        The optimizer.
    lr_lambda
        A function of the step, or a list with one for each group.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If the list's length is not the number of groups.

    Examples
    --------
    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=8.0)
    >>> schedule = mg.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [4.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.lr_lambdas: list[Any] = functions("LambdaLR", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The first rates times the function of the step."""
        self._current_lrs()
        pairs = zip(self.lr_lambdas, self.base_lrs, strict=True)
        return [base_lr * f(self.last_epoch) for f, base_lr in pairs]

    def state_dict(self) -> dict[str, Any]:
        """As for every schedule; of a function nothing is saved, of a callable object its attributes."""
        kept = [None if isinstance(f, FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave; functions stay those that this schedule was made with."""
        own = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = own
        for f, kept in zip(own, state_dict["lr_lambdas"], strict=True):
            if kept is not None:
                f.__dict__.update(kept)
