"""Checks of lesson 16, prefix tuning."""

from __future__ import annotations

from typing import Any

from minigrad import nn
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _numbers(task: Any) -> None:
    numbers = number(task.numbers)
    require(numbers != 92_160, "those are the keys; what else has each layer?")
    require(numbers != 15_360, "that is one layer")
    require(numbers != 7_680, "those are the keys of one layer")
    require(numbers == 184_320, "layers, times keys and values, times how many, times the width")


def _mixed(task: Any) -> None:
    y = given(task.mixed(2.0, 10.0, 0.25))
    require(not close(y, 12.0), "a head's weights sum to 1, so what it gives is a mean and no sum")
    require(not close(y, 8.0), "m is the prefix's share: the two are the wrong way round")
    require(not close(y, 4.5), "the content is turned down as well: its weights sum to less than 1 now")
    require(close(y, 4.0), "with m = 0 it is the content, with m = 1 the prefix")


def _freeze_seen(module: Any) -> Any:
    model = nn.Sequential()
    model.add_module("base", nn.Linear(2, 3))
    model.add_module("prefix", nn.Linear(3, 1))
    frozen = given(module.freeze(model, "prefix"))
    if not isinstance(frozen, nn.Module):
        return None
    return [name for name, p in frozen.named_parameters() if p.requires_grad]


def _freeze(task: Any) -> None:
    learnt = beside(task, _freeze_seen)
    require(learnt is not None, "give the model back")
    require(learnt != [], "everything is frozen: what is to be learnt?")
    require(len(learnt) < 4, "nothing is frozen")
    require(learnt[0] != "base.weight", "that froze the part that is to be learnt")
    require(learnt == ["prefix.weight", "prefix.bias"], f"what is learnt now is {', '.join(learnt)}")


def _second(task: Any) -> None:
    second = number(task.second)
    require(not close(second, 0.2), "the prefix draws some of the attention from every word")
    require(not close(second, 0.7), "something is drawn by the prefix, too")
    require(not close(second, -0.1), "it is the ratio that stays, not the difference")
    require(close(second, 0.1), "the ratio of the two stays what it was")


CHECKS = [
    Check("1 count", _numbers, "A prefix has keys and values, in each layer, each as wide as the model."),
    Check("2 the mixture", _mixed, "What if m is 0? What if it is 1?"),
    Check("3 freeze", _freeze, "Go through named_parameters; requires_grad_ switches one."),
    Check("4 what it can't", _second, "What does a prefix leave as it was?"),
]
