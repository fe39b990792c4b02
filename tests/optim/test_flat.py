"""Small parameters that are updated together: exactly as each alone, and without anyone noticing the move."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.errors import OperationError
from minigrad.optim import SGD, Adam, AdamW, RMSprop
from minigrad.optim.flat import FEW, SMALL, Shared

KINDS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    (Adam, {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
    (AdamW, {"lr": 0.1}),
    (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}),
]
ADAM = {"lr": 0.1}
SHAPES = [(3,), (2, 4), (), (1, 5, 2), (1,), (0,)]


def is_bundled(p):
    return isinstance(p.array.base, Shared)


class Pair:
    """The same parameters twice: with one optimizer for all, and with one for each, which bundles nothing."""

    def __init__(self, kind, settings, shapes=SHAPES, dtypes=(np.float64,)):
        self.rng = np.random.default_rng(5)
        starts = [
            np.asarray(self.rng.standard_normal(shape), dtypes[i % len(dtypes)]) for i, shape in enumerate(shapes)
        ]
        self.together = [mg.tensor(start.copy(), requires_grad=True) for start in starts]
        self.apart = [mg.tensor(start.copy(), requires_grad=True) for start in starts]
        self.optimizer = kind(self.together, **settings)
        self.others = [kind([p], **settings) for p in self.apart]

    def step(self, times=1, without=()):
        """Take steps, in which some parameters have no gradient, and compare."""
        for _ in range(times):
            for i, (p, q) in enumerate(zip(self.together, self.apart, strict=True)):
                g = np.asarray(self.rng.standard_normal(p.shape), p.dtype)
                p.grad, q.grad = (None, None) if i in without else (mg.tensor(g), mg.tensor(g))
            self.optimizer.step()
            for other in self.others:
                other.step()
            self.compare()

    def compare(self):
        for p, q, other in zip(self.together, self.apart, self.others, strict=True):
            assert p.dtype == q.dtype
            np.testing.assert_array_equal(p.array, q.array)
            for key, kept in other.state.get(q, {}).items():
                np.testing.assert_array_equal(self.optimizer.state[p][key].array, kept.array)
        assert not any(is_bundled(q) for q in self.apart)

    @property
    def bundled(self):
        return [is_bundled(p) for p in self.together]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_together_as_apart_to_the_bit(kind, settings, dtype):
    pair = Pair(kind, settings, dtypes=(dtype,))
    pair.step(5)
    assert all(pair.bundled)


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_the_other_dtype_stays_apart(kind, settings):
    pair = Pair(kind, settings, shapes=[(2,)] * 2 * FEW, dtypes=(np.float32, np.float64))
    pair.step(4)
    assert pair.bundled == [True, False] * FEW


def test_large_ones_and_few_ones_stay_apart():
    pair = Pair(Adam, ADAM, shapes=[(2,)] * FEW + [(SMALL + 1,)])
    pair.step(3)
    assert pair.bundled == [True] * FEW + [False]
    few = Pair(Adam, ADAM, shapes=[(2,)] * (FEW - 1))
    few.step(3)
    assert not any(few.bundled)


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_gradients_that_come_and_go(kind, settings):
    """Who skips a step has another step count, and does not join those that didn't."""
    pair = Pair(kind, settings)
    pair.step(3)
    pair.step(2, without=(1,))
    pair.step(2, without=(0, 1, 2, 3))
    pair.step(3)


def test_assigned_data_are_taken_in():
    pair = Pair(Adam, ADAM)
    pair.step(3)
    for params in (pair.together, pair.apart):
        params[1].array = np.full((2, 4), 7.0)
    pair.step(2)
    assert all(pair.bundled)


def test_assigned_data_of_another_kind():
    """Another dtype or a layout that can't be moved: that parameter leaves, the others go on together."""
    pair = Pair(Adam, ADAM)
    pair.step(3)
    for params in (pair.together, pair.apart):
        params[0].array = params[0].array.astype(np.float32)
        params[1].array = np.asfortranarray(np.full((2, 4), 7.0))
    pair.step(3)
    assert pair.bundled == [False, False, True, True, True, True]


def test_data_that_someone_holds_stay_where_they_are():
    pair = Pair(SGD, {"lr": 0.1, "momentum": 0.9}, shapes=[(2,)] * (FEW + 2))
    held, detached = pair.together[0].array, pair.together[1].detach()
    pair.step(3)
    assert pair.bundled == [False, False] + [True] * FEW
    np.testing.assert_array_equal(held, pair.together[0].array)
    np.testing.assert_array_equal(detached.array, pair.together[1].array)


def test_what_is_held_later_follows_too():
    pair = Pair(Adam, ADAM)
    pair.step(3)
    held, view = pair.together[0].array, pair.together[1].array[1:]
    state = pair.optimizer.state_dict()["state"]
    pair.step(2)
    pair.step(1, without=(5,))  # the members change, but those whose data are held don't move
    pair.step(3)
    np.testing.assert_array_equal(held, pair.together[0].array)
    np.testing.assert_array_equal(view, pair.together[1].array[1:])
    assert state[0]["exp_avg"] is pair.optimizer.state[pair.together[0]]["exp_avg"]


def test_replaced_state_is_taken_in():
    pair = Pair(Adam, ADAM)
    pair.step(3)
    for optimizer in (pair.optimizer, *pair.others):
        for p in optimizer.param_groups[0]["params"]:
            optimizer.state[p]["exp_avg"] = mg.tensor(np.ones(p.shape))
    pair.step(3)
    assert all(pair.bundled)


def test_forgotten_state_starts_anew():
    pair = Pair(Adam, ADAM)
    pair.step(3)
    pair.optimizer.state.clear()
    for other in pair.others:
        other.state.clear()
    pair.step(3)
    assert pair.optimizer.state[pair.together[0]]["step"].item() == 3


def test_a_loaded_state_is_taken_in():
    pair = Pair(Adam, ADAM)
    pair.step(3)
    for optimizer in (pair.optimizer, *pair.others):
        optimizer.load_state_dict(optimizer.state_dict())
    pair.step(3)
    assert all(pair.bundled)


def test_a_bundle_is_not_pickled():
    """It holds the parameters and the state once more."""
    pair = Pair(Adam, ADAM, shapes=[(1000,)] * FEW)
    pair.step(3)
    assert all(pair.bundled)
    together = len(pickle.dumps(pair.optimizer))
    assert together < 1.1 * sum(len(pickle.dumps(other)) for other in pair.others)


def test_settings_that_change_what_is_kept():
    pair = Pair(SGD, {"lr": 0.1})
    pair.step(3)
    for optimizer in (pair.optimizer, *pair.others):
        optimizer.param_groups[0]["momentum"] = 0.5
    pair.step(3)
    assert all(pair.bundled)


def test_a_second_optimizer_may_move_them_again():
    pair = Pair(SGD, {"lr": 0.1})
    pair.step(3)
    pair.optimizer = Adam(pair.together, lr=0.1)
    pair.others = [Adam([q], lr=0.1) for q in pair.apart]
    pair.step(3)
    assert all(pair.bundled)


def test_a_parameter_listed_twice_keeps_all_apart(feed):
    params = [mg.tensor(np.ones(1), requires_grad=True) for _ in range(FEW + 1)]
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = SGD([*params, params[0]], lr=0.25)
    for _ in range(2):
        feed(optimizer, [*params, params[0]], [np.ones(1)] * (FEW + 2))
    assert not any(is_bundled(p) for p in params)
    assert [p.item() for p in params] == [0.0] + [0.5] * FEW


def test_groups_have_their_own_bundles():
    params = [mg.tensor(np.zeros(2), requires_grad=True) for _ in range(2 * FEW)]
    optimizer = SGD([{"params": params[:FEW]}, {"params": params[FEW:], "lr": 0.25}], lr=1.0)
    for _ in range(4):
        for p in params:
            p.grad = mg.tensor(np.ones(2))
        optimizer.step()
    assert all(is_bundled(p) for p in params)
    assert params[0].array.base is not params[-1].array.base
    assert [p.array[1] for p in params] == [-4] * FEW + [-1] * FEW


def test_gradients_of_any_strides():
    params = [mg.tensor(np.ones((2, 3)), requires_grad=True) for _ in range(FEW)]
    optimizer = SGD(params, lr=1.0)
    weight = mg.tensor(np.arange(6.0).reshape(3, 2))
    for _ in range(3):
        optimizer.zero_grad()
        sum((p * p * weight.t()).sum() for p in params).backward()
        for p in params:
            p.grad.array = np.asfortranarray(p.grad.array)
        before = params[0].array.copy()
        optimizer.step()
        for p in params:
            np.testing.assert_array_equal(p.array, before - 2 * before * weight.array.T)
    assert all(is_bundled(p) for p in params)


def test_a_gradient_of_another_shape_is_reported():
    pair = Pair(SGD, {"lr": 0.1})
    pair.step(3)
    pair.together[0].array = np.ones(4)
    with pytest.raises(OperationError, match=r"the gradient has shape \(3,\), its parameter \(4,\)"):
        pair.optimizer.step()
