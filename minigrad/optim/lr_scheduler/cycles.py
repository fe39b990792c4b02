"""Schedules that come back: cosines that start again, and rates that go up and down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from minigrad import arguments
from minigrad.optim import settings
from minigrad.optim.lr_scheduler.base import LRScheduler, check_optimizer, functions, one_each, set_value, values_of
from minigrad.optim.optimizer import Optimizer


class CosineAnnealingWarmRestarts(LRScheduler):
    """Let the rate fall along half a cosine wave, and start again (Loshchilov and Hutter, 2017).

    Parameters
    ----------
    optimizer
        The optimizer.
    T_0
        The number of steps to the first restart.
    T_mult
        How many times as long each wave is as the one before.
    eta_min
        The lowest rate.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If a setting is out of range.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        settings.numbers("CosineAnnealingWarmRestarts", eta_min=eta_min)
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0 = self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates at this place of the wave."""
        self._current_lrs()
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base_lr - self.eta_min) * height for base_lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on by one step, or to ``epoch``, which may lie between two steps.

        Raises
        ------
        ValueError
            If ``epoch`` is negative.
        """
        if epoch is not None:
            settings.number("CosineAnnealingWarmRestarts.step", "epoch", epoch)
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        with self._within_step():
            rates = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    def _go_to(self, epoch: float) -> None:
        """Find the wave that ``epoch`` lies in, and where in it."""
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            waves = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**waves - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**waves


class CyclicLR(LRScheduler):
    """Let the rate go up and down between two bounds, and momentum the other way (Smith, 2017).

    Parameters
    ----------
    optimizer
        The optimizer.
    base_lr, max_lr
        The lowest and the highest rate; a list has one for each group.
    step_size_up, step_size_down
        The number of steps up and down; by default as many down as up.
    mode
        ``"triangular"``; ``"triangular2"`` halves the height with each cycle; ``"exp_range"`` scales it by
        ``gamma**step``.
    gamma
        The factor for ``"exp_range"``.
    scale_fn, scale_mode
        A function of one's own in place of a mode, of the cycle's number (``"cycle"``) or the step's
        (``"iterations"``).
    cycle_momentum
        Whether momentum (Adam's beta1) is changed too.
    base_momentum, max_momentum
        Its bounds.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        For an unknown mode, or if there is no momentum to change.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        settings.numbers("CyclicLR", gamma=gamma)
        settings.lists("CyclicLR", base_lr=base_lr, max_lr=max_lr)
        settings.lists("CyclicLR", base_momentum=base_momentum, max_momentum=max_momentum)
        cycle_momentum = arguments.flag("CyclicLR", "cycle_momentum", cycle_momentum)
        last_epoch = arguments.integer("CyclicLR", "last_epoch", last_epoch, least=-1)
        settings.above_0("CyclicLR", step_size_up=step_size_up)
        if step_size_down is not None:
            settings.at_least_0("CyclicLR", {"step_size_down": step_size_down})
        if scale_fn is not None:
            arguments.function("CyclicLR", "scale_fn", scale_fn)
        lowest = one_each("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for rate, group in zip(lowest, optimizer.param_groups, strict=True):
                set_value(group, "lr", rate)
        self.max_lrs = one_each("max_lr", optimizer, max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        if scale_fn is None:
            arguments.choice("CyclicLR", "mode", mode, ("triangular", "triangular2", "exp_range"))
        self.mode, self.gamma, self.own_scale = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = "betas" in optimizer.defaults
            if not self.use_beta1 and "momentum" not in optimizer.defaults:
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            self.base_momentums = one_each("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_each("max_momentum", optimizer, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def scale_fn(self, x: float) -> float:
        """How high this cycle, or step, goes."""
        if self.own_scale is not None:
            return self.own_scale(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else 1.0

    def get_lr(self) -> list[Any]:
        """The rates of this step; momentum is set on the way."""
        self._current_lrs()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                momentum = high - (high - low) * height
                if self.use_beta1:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class MultiplicativeLR(LRScheduler):
    """Multiply the rate at each step by what a function of the step gives; a list has one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.lr_lambdas = functions("MultiplicativeLR", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates times the functions' values."""
        rates = self._current_lrs()
        if self._is_initial:
            return rates
        return [rate * factor(self.last_epoch) for rate, factor in zip(rates, self.lr_lambdas, strict=True)]


class PolynomialLR(LRScheduler):
    """Let the rate fall to 0 within ``total_iters`` steps, as ``(1 - t / total_iters) ** power``."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        settings.at_least_0("PolynomialLR", {"power": power})
        settings.above_0("PolynomialLR", total_iters=total_iters)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The present rates times the quotient of this step's factor and the last one's."""
        rates = self._current_lrs()
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        now, before = (1 - t / self.total_iters for t in (self.last_epoch, self.last_epoch - 1))
        return [rate * (now / before) ** self.power for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base_lr * left**self.power for base_lr in self.base_lrs]
