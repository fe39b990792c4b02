"""What all schedules share: counting steps, and writing learning rates into the optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.optim import settings
from minigrad.optim.optimizer import Optimizer
from minigrad.tensors.tensor import Tensor


class LRScheduler:
    """Base class of the schedules, which change the learning rate of an optimizer step by step.

    A schedule works on from the rate that it finds (``get_lr``), so that several can act on one optimizer,
    and a rate that was changed by hand stays changed. Making a schedule sets the rate of step 0.

    Parameters
    ----------
    optimizer
        The optimizer.
    last_epoch
        The number of the last step when a run is taken up again; -1 starts anew.

    Attributes
    ----------
    base_lrs
        The rate that each group had at the start.
    last_epoch
        How many steps were taken.

    Raises
    ------
    TypeError
        If ``optimizer`` is no optimizer.
    KeyError
        If a run is taken up again with an optimizer that was not loaded: its groups have no ``initial_lr``.
    """

    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        last_epoch = arguments.integer(type(self).__name__, "last_epoch", last_epoch, least=-1)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own_value(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    f"last_epoch={last_epoch}: load the optimizer's state_dict first"
                )
        self.base_lrs: list[Any] = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of step 0."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything that the schedule knows but the optimizer, as a dictionary."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave. The optimizer, with its rates, has a ``load_state_dict`` of its own."""
        if not isinstance(state_dict, dict):
            wanted = "a dictionary, which state_dict() gave"
            raise arguments.wrong_kind(f"{type(self).__name__}.load_state_dict", "it", wanted, state_dict)
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step set, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """Compute the rates of step ``last_epoch`` from those of the step before; called by ``step`` only."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def step(self, epoch: int | None = None) -> None:
        """Go on by one step; call it after ``optimizer.step()``.

        Parameters
        ----------
        epoch
            Deprecated: go to this step instead, by the closed formula where there is one.
        """
        if epoch is not None:
            settings.number(f"{type(self).__name__}.step", "epoch", epoch)
        if self._step_count == 1:
            self._warn_if_too_early()
        self._step_count += 1
        if epoch is not None:
            warnings.warn("step(epoch) is deprecated: call step() for each step", UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _warn_if_too_early(self) -> None:
        optimizer = self.optimizer
        # Only our own step() says that it was called.
        if type(optimizer).step is Optimizer.step and not optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the "
                "schedule is skipped. Call them the other way round, the optimizer first",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next step, or of step ``epoch``."""
        with self._within_step():
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = getattr(self, "_get_closed_form_lr", self.get_lr)()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    @contextmanager
    def _within_step(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _current_lrs(self) -> list[Any]:
        """The rates as they are now: what most ``get_lr`` start from."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr() computes the next rates from the present ones. "
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )
        return values_of(self.optimizer, "lr")


def check_optimizer(optimizer: Any) -> None:
    """Raise ``TypeError`` if this is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def own_value(value: Any) -> Any:
    """A setting, copied if it is a tensor."""
    return value.clone() if isinstance(value, Tensor) else value


def values_of(optimizer: Optimizer, setting: str) -> list[Any]:
    """One setting of each group; tensors are copied."""
    return [own_value(group[setting]) for group in optimizer.param_groups]


def set_value(group: dict[str, Any], setting: str, value: Any) -> None:
    """Change a setting of a group; a tensor keeps its identity."""
    if isinstance(group[setting], TensorBase):
        group[setting].fill_(value)
    else:
        group[setting] = value


def one_each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each group, from a list or from one value for all.

    Raises
    ------
    ValueError
        If the list has another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [own_value(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(f"{name} has {len(value)} values, but optimizer.param_groups has {groups}")
    return [own_value(v) for v in value]


def functions(operation: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A function of the step for each group.

    Raises
    ------
    TypeError
        If one can't be called.
    """
    return [arguments.function(operation, "lr_lambda", each) for each in one_each("lr_lambda", optimizer, value)]
