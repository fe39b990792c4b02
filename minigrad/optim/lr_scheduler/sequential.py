"""Schedules one after the other."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from minigrad.optim.lr_scheduler.base import LRScheduler, set_value
from minigrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minigrad.optim.optimizer import Optimizer


class SequentialLR(LRScheduler):
    """Follow one schedule up to a milestone, then the next: a warm-up before a cosine, say.

    Parameters
    ----------
    optimizer
        The optimizer, which is also that of all the schedules.
    schedulers
        The schedules, in order. Each begins its own count of steps when its turn comes.
    milestones
        The steps at which the next one takes over: one fewer than there are schedules.
    last_epoch
        See ``LRScheduler``.

    Raises
    ------
    ValueError
        If there are no schedules, if their number doesn't fit the milestones, if one belongs to another
        optimizer, or for ``ReduceLROnPlateau``, whose steps need the loss.
    TypeError
        If one is no schedule.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.5, total_iters=9), ExponentialLR(optimizer, gamma=0.5)]
    >>> schedule = SequentialLR(optimizer, parts, milestones=[2])
    >>> for _ in range(4):
    ...     print(schedule.get_last_lr())
    ...     optimizer.step()
    ...     schedule.step()
    [0.5]
    [0.5]
    [1.0]
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"SequentialLR: {type(scheduler).__name__} at index {i} is no scheduler")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"SequentialLR does not support ReduceLROnPlateau (index {i}): its step needs the loss"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: the scheduler at index {i} belongs to another optimizer")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects one milestone between each two schedulers: "
                f"{len(schedulers)} schedulers need {len(schedulers) - 1} milestones, not {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each schedule took a first step when it was made. Undo these, and take only the first one's.
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        _step_back(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go on by one step, of the schedule whose turn it is.

        Raises
        ------
        ValueError
            If ``epoch`` is given.
        """
        if epoch is not None:
            raise ValueError("SequentialLR.step() takes no epoch")
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def get_lr(self) -> list[Any]:
        """Not to be had: the rates are those of the part whose turn it is."""
        raise NotImplementedError(
            "a SequentialLR can't take over from another schedule in a SequentialLR: list its parts in one"
        )

    def state_dict(self) -> dict[str, Any]:
        """As for every schedule, with the state of each part."""
        return {**super().state_dict(), "_schedulers": [part.state_dict() for part in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave, each part its own."""
        parts = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = parts
        for part, kept in zip(parts, state_dict["_schedulers"], strict=True):
            part.load_state_dict(kept)


def _step_back(scheduler: LRScheduler) -> None:
    """Take back the step that making a schedule is; of nested ones, that of each part."""
    if isinstance(scheduler, SequentialLR):
        for part in scheduler._schedulers:
            _step_back(part)
    else:
        scheduler.last_epoch -= 1
