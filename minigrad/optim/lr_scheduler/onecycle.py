"""The 1cycle schedule: the rate goes up and then far down, and momentum the other way round."""

from __future__ import annotations

import math
from typing import Any, Literal

from minigrad import arguments
from minigrad.optim import settings
from minigrad.optim.lr_scheduler.base import LRScheduler, check_optimizer, one_each
from minigrad.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """One cycle over the whole run, a step a batch (Smith and Topin, 2018).

    The rate rises from ``max_lr / div_factor`` to ``max_lr`` and falls to
    ``max_lr / div_factor / final_div_factor``; momentum (Adam's beta1) falls from ``max_momentum`` to
    ``base_momentum`` and rises again.

    Parameters
    ----------
    optimizer
        The optimizer.
    max_lr
        The highest rate; a list has one for each group.
    total_steps
        The length of the run, in steps; or give ``epochs`` and ``steps_per_epoch``.
    epochs, steps_per_epoch
        Their product is the length of the run.
    pct_start
        The part of the run in which the rate rises.
    anneal_strategy
        The shape of rise and fall: ``"cos"`` or ``"linear"``.
    cycle_momentum
        Whether momentum is changed too.
    base_momentum, max_momentum
        The lowest and the highest momentum; a list has one for each group.
    div_factor, final_div_factor
        How much lower the rate is at the start than ``max_lr``, and at the end than at the start.
    three_phase
        Fall as fast as the rise was, and use the rest of the run for the last part of the fall.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If the length of the run is missing or a setting is out of range, or if there is no momentum to
        change; in ``step``, after the end of the run.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        settings.lists("OneCycleLR", max_lr=max_lr, base_momentum=base_momentum, max_momentum=max_momentum)
        cycle_momentum = arguments.flag("OneCycleLR", "cycle_momentum", cycle_momentum)
        three_phase = arguments.flag("OneCycleLR", "three_phase", three_phase)
        last_epoch = arguments.integer("OneCycleLR", "last_epoch", last_epoch, least=-1)
        settings.above_0("OneCycleLR", div_factor=div_factor, final_div_factor=final_div_factor)
        self.total_steps = _length(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        arguments.choice("OneCycleLR", "anneal_strategy", anneal_strategy, ("cos", "linear"))
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = "betas" in optimizer.defaults
            if not self.use_beta1 and "momentum" not in optimizer.defaults:
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        if last_epoch == -1:
            each = [
                one_each(name, optimizer, value)
                for name, value in (
                    ("max_lr", max_lr),
                    ("max_momentum", max_momentum),
                    ("base_momentum", base_momentum),
                )
            ]
            for group, high, most, least in zip(optimizer.param_groups, *each, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    group["max_momentum"] = most
                    group["base_momentum"] = least
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of this step; momentum is set on the way."""
        self._current_lrs()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        length = phase["end_step"] - start
        done = (step - start) / length if length else 1.0
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], done))
            if self.cycle_momentum:
                momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], done)
                if self.use_beta1:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return rates

    def _between(self, start: Any, end: Any, done: float) -> Any:
        """The value where the part ``done`` of the way from ``start`` to ``end`` is behind us."""
        if self._anneal_func_type == "linear":
            return (end - start) * done + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


def _length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps in the run."""
    if total_steps is not None:
        given = {"total_steps": total_steps}
    elif epochs is not None and steps_per_epoch is not None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    else:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(given.values())


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and the names of the settings that it goes from and to."""
    peak = pct_start * total_steps - 1
    end = total_steps - 1
    rise = _phase(peak, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three_phase:
        return [rise, _phase(end, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    fall = _phase(2 * pct_start * total_steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    return [rise, fall, _phase(end, "initial_lr", "min_lr", "max_momentum", "max_momentum")]


def _phase(end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str) -> dict[str, Any]:
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }
