"""What all schedules share: counting, resuming, saving, acting together, and warnings."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD
from minigrad.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    StepLR,
)


def halve(t):
    """A function that pickle finds by its name."""
    return 0.5**t


SCHEDULES = {
    "step": lambda o, **k: StepLR(o, 2, **k),
    "multi": lambda o, **k: MultiStepLR(o, [1, 3, 6], **k),
    "exponential": lambda o, **k: ExponentialLR(o, 0.7, **k),
    "lambda": lambda o, **k: LambdaLR(o, halve, **k),
    "constant": lambda o, **k: ConstantLR(o, 0.5, 6, **k),
    "linear": lambda o, **k: LinearLR(o, 0.25, 1.0, 6, **k),
    "cosine": lambda o, **k: CosineAnnealingLR(o, 5, 0.01, **k),
    "onecycle": lambda o, **k: OneCycleLR(o, 1.0, 20, **k),
}
BY_FORMULA = {"step", "multi", "exponential", "lambda", "constant", "linear", "cosine"}


@pytest.fixture(params=SCHEDULES)
def name(request):
    return request.param


def go_on(schedule, steps=4):
    found = []
    for _ in range(steps):
        schedule.optimizer.step()
        schedule.step()
        found.append(schedule.get_last_lr())
    return found


@pytest.mark.parametrize("way", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_a_loaded_state_goes_on(name, way, sgd):
    first, second = (SCHEDULES[name](sgd(momentum=0.9)) for _ in range(2))
    go_on(first)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(way(first.state_dict()))
    assert second.last_epoch == 4
    assert go_on(second) == go_on(first)
    assert second.optimizer.param_groups[0]["momentum"] == first.optimizer.param_groups[0]["momentum"]


def test_a_run_is_taken_up_again_by_its_last_step(sgd):
    """``last_epoch`` counts on from the step that was reached: the new schedule takes step 5 when it is made."""
    first = StepLR(sgd(), 3, 0.5)
    go_on(first, 4)
    optimizer = sgd()
    optimizer.load_state_dict(first.optimizer.state_dict())
    second = StepLR(optimizer, 3, 0.5, last_epoch=first.last_epoch)
    assert second.last_epoch == 5
    assert second.base_lrs == first.base_lrs
    np.testing.assert_allclose(second.get_last_lr(), [0.05, 0.25])
    np.testing.assert_allclose(go_on(second, 2)[0], [0.025, 0.125])


def test_one_cycle_is_taken_up_again_with_the_rates_it_saved(sgd):
    """Its bounds are kept in the optimizer's groups; those that are passed again don't count."""
    first, optimizer = OneCycleLR(sgd(momentum=0.9), 1.0, 20), sgd(momentum=0.9)
    rates = go_on(first, 8)
    again = OneCycleLR(sgd(momentum=0.9), 1.0, 20)
    go_on(again, 3)
    optimizer.load_state_dict(again.optimizer.state_dict())
    second = OneCycleLR(optimizer, 7.0, 20, last_epoch=3)
    assert [second.get_last_lr(), *go_on(second, 4)] == rates[3:]


def test_what_is_taken_up_must_have_been_loaded(sgd):
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\].*load the optimizer's"):
        StepLR(sgd(), 3, last_epoch=4)


def test_the_optimizer_is_saved_by_itself(name, sgd):
    state = SCHEDULES[name](sgd(momentum=0.9)).state_dict()
    assert "optimizer" not in state
    assert state["last_epoch"] == 0
    assert len(state["base_lrs"]) == 2


def test_several_act_on_one_optimizer(sgd):
    """Each works on from the rate it finds."""
    optimizer = sgd()
    every, second = ExponentialLR(optimizer, 0.9), StepLR(optimizer, 2, 0.5)
    for t in range(1, 7):
        optimizer.step()
        every.step()
        second.step()
        expected = 0.9**t * 0.5 ** (t // 2)
        np.testing.assert_allclose(second.get_last_lr(), [0.1 * expected, 0.5 * expected], rtol=1e-13)
    assert every.base_lrs == second.base_lrs == [0.1, 0.5]


def test_a_rate_set_by_hand_stays_set(sgd):
    schedule = ExponentialLR(sgd(), 0.5)
    go_on(schedule, 1)
    schedule.optimizer.param_groups[0]["lr"] = 8.0
    assert go_on(schedule, 1) == [[4.0, 0.125]]


def test_the_optimizer_steps_by_the_rates(sgd):
    optimizer = sgd()
    (p,) = optimizer.param_groups[1]["params"]
    schedule = ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        p.grad = mg.ones(1)
        optimizer.step()
        schedule.step()
    assert p.item() == 1 - 0.5 - 0.25 - 0.125


def test_rates_that_are_tensors_keep_their_identity(name):
    rate = mg.tensor(np.array(0.5))
    tensors = SCHEDULES[name](SGD([mg.ones(1, requires_grad=True)], lr=rate, momentum=0.9))
    numbers = SCHEDULES[name](SGD([mg.ones(1, requires_grad=True)], lr=0.5, momentum=0.9))
    found = go_on(tensors, 6)
    np.testing.assert_allclose([float(r) for (r,) in found], np.ravel(go_on(numbers, 6)), rtol=1e-12)
    assert tensors.optimizer.param_groups[0]["lr"] is rate
    assert found[-1][0] is not rate


def test_a_step_by_number_goes_there(name, sgd):
    """Deprecated, as in PyTorch."""
    one, other = (SCHEDULES[name](sgd(momentum=0.9)) for _ in range(2))
    go_on(one, 7)
    other.optimizer.step()
    with pytest.warns(UserWarning, match=r"step\(epoch\) is deprecated") as caught:
        other.step(7)
    assert caught[0].filename == __file__
    assert other.last_epoch == 7
    np.testing.assert_allclose(other.get_last_lr(), one.get_last_lr(), rtol=1e-12)


def test_the_optimizer_steps_first(sgd):
    schedule = StepLR(sgd(), 1)
    with pytest.warns(UserWarning, match="the first rate of the schedule is skipped.*the optimizer first") as caught:
        schedule.step()
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()


def test_an_optimizer_with_a_step_of_its_own_is_not_warned_of():
    """It may not say that it was called."""

    class Own(SGD):
        def step(self, closure=None):
            return None

    schedule = StepLR(Own([mg.ones(1, requires_grad=True)], lr=1.0), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()
    assert schedule.get_last_lr() == [0.1]


@pytest.mark.parametrize("name", ["step", "cosine", "onecycle"], indirect=True)
def test_get_lr_is_for_step_only(name, sgd):
    schedule = SCHEDULES[name](sgd(momentum=0.9))
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`") as caught:
        schedule.get_lr()
    assert caught[0].filename == __file__


@pytest.mark.parametrize("thing", [None, 3, mg.ones(1)])
def test_only_optimizers_have_schedules(thing, name):
    with pytest.raises(TypeError, match=f"{type(thing).__name__} is not an Optimizer"):
        SCHEDULES[name](thing)


def test_a_schedule_of_ones_own(sgd):
    class Inverse(LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    schedule = Inverse(sgd())
    np.testing.assert_allclose(go_on(schedule, 4)[-1], [0.02, 0.1])
    with pytest.raises(NotImplementedError, match=r"LRScheduler has no get_lr\(\)"):
        LRScheduler(sgd())


def test_a_group_added_later_needs_a_new_schedule(sgd):
    optimizer = sgd()
    schedule = StepLR(optimizer, 1)
    optimizer.add_param_group({"params": mg.ones(1, requires_grad=True), "lr": 1.0})
    optimizer.step()
    renewed = StepLR(optimizer, 1)
    assert renewed.base_lrs == [0.1, 0.5, 1.0]
    assert schedule.base_lrs == [0.1, 0.5]
