"""state_dict and load_state_dict, pickle and copy: a run that is taken up again is the same run, to the bit."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD, Adam, AdamW, RMSprop

KINDS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (Adam, {"lr": 0.1, "amsgrad": True}),
    (AdamW, {"lr": 0.1}),
    (RMSprop, {"lr": 0.01, "momentum": 0.5, "centered": True}),
]
WAYS = {
    "dictionary": lambda state: state,
    "pickle": lambda state: pickle.loads(pickle.dumps(state)),
    "deepcopy": copy.deepcopy,
}
SHAPES = [(3,), (2, 2), (), (1, 4), (5,)]


def new_params():
    """Five parameters of both dtypes: enough for a bundle."""
    rng = np.random.default_rng(3)
    dtypes = [np.float64] * 4 + [np.float32]
    return [
        mg.tensor(rng.standard_normal(s).astype(d), requires_grad=True) for s, d in zip(SHAPES, dtypes, strict=True)
    ]


def go_on(optimizer, params, seed, steps=4):
    """Take steps with gradients that the seed gives."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in params:
            p.grad = mg.tensor(rng.standard_normal(p.shape).astype(p.dtype))
        optimizer.step()


def same_values(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one.array, other.array)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_a_loaded_state_goes_on_to_the_bit(kind, settings, way):
    first = new_params()
    optimizer = kind([{"params": first[:4]}, {"params": first[4:], "lr": 0.02}], **settings)
    go_on(optimizer, first, seed=1)
    second = [mg.tensor(p.array.copy(), requires_grad=True) for p in first]
    loaded = kind([{"params": second[:4]}, {"params": second[4:]}], lr=9.0)
    loaded.load_state_dict(WAYS[way](optimizer.state_dict()))
    assert loaded.param_groups[0]["params"] == second[:4]
    assert [group["lr"] for group in loaded.param_groups] == [settings["lr"], 0.02]
    for each, params in ((optimizer, first), (loaded, second)):
        go_on(each, params, seed=2)
    same_values(first, second)


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_a_copied_optimizer_goes_on_to_the_bit(kind, settings, way):
    first = new_params()
    optimizer = kind(first, **settings)
    go_on(optimizer, first, seed=1)
    second, copied = WAYS[way]((first, optimizer))
    assert all(p is q for p, q in zip(copied.param_groups[0]["params"], second, strict=True))
    for each, params in ((optimizer, first), (copied, second)):
        go_on(each, params, seed=2)
    same_values(first, second)


def test_layout_is_pytorchs(feed):
    """Parameters are numbers, counted through the groups; one that had no gradient has no state."""
    a, b, c = (mg.tensor(np.ones(2), requires_grad=True) for _ in range(3))
    optimizer = Adam([{"params": [a, b]}, {"params": [c], "lr": 0.5}])
    feed(optimizer, [a, b, c], [np.ones(2), None, np.ones(2)])
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in state["param_groups"]] == [1e-3, 0.5]
    assert sorted(state["state"]) == [0, 2]
    assert list(state["state"][2]) == ["step", "exp_avg", "exp_avg_sq"]
    step = state["state"][2]["step"]
    assert (step.shape, step.dtype, step.item()) == ((), np.float32, 1)
    assert state["state"][2]["exp_avg"].shape == c.shape


def test_a_bundled_step_count_is_saved_as_one_number():
    params = new_params()
    optimizer = Adam(params)
    go_on(optimizer, params, seed=1)
    for kept in optimizer.state_dict()["state"].values():
        assert kept["step"].shape == ()
        assert kept["step"].item() == 4


def test_a_tensor_that_is_listed_twice_has_one_number():
    p = mg.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = SGD([p, p, mg.ones(1, requires_grad=True)])
    assert optimizer.state_dict()["param_groups"][0]["params"] == [0, 0, 1]


def test_what_is_loaded_is_copied():
    first, second = new_params(), new_params()
    optimizer, loaded = Adam(first), Adam(second)
    go_on(optimizer, first, seed=1)
    loaded.load_state_dict(optimizer.state_dict())
    before = optimizer.state[first[0]]["exp_avg"].array.copy()
    go_on(loaded, second, seed=2)
    np.testing.assert_array_equal(optimizer.state[first[0]]["exp_avg"].array, before)
    loaded.param_groups[0]["lr"] = 7.0
    assert optimizer.param_groups[0]["lr"] == 1e-3


def test_a_rate_that_is_a_tensor_is_copied():
    rate, p = mg.tensor(0.5), mg.ones(1, requires_grad=True)
    loaded = SGD([p])
    loaded.load_state_dict(SGD([p], lr=rate).state_dict())
    rate.fill_(7.0)
    assert loaded.param_groups[0]["lr"].item() == 0.5


def test_state_comes_in_the_parameters_dtype(feed):
    p = mg.tensor(np.ones(2), requires_grad=True)
    optimizer = Adam([p])
    feed(optimizer, [p], [np.ones(2)])
    loaded = Adam([mg.tensor(np.ones(2, np.float32), requires_grad=True)])
    loaded.load_state_dict(optimizer.state_dict())
    (kept,) = loaded.state.values()
    assert kept["exp_avg"].dtype == kept["step"].dtype == np.float32


def test_settings_of_pytorchs_implementations_may_be_missing():
    p = mg.ones(1, requires_grad=True)
    state = SGD([p], lr=0.5).state_dict()
    for setting in ("foreach", "fused", "differentiable"):
        del state["param_groups"][0][setting]
    optimizer = SGD([p])
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["foreach"] is None


def test_what_belongs_to_no_parameter_is_kept():
    """An optimizer of one's own may keep things under other keys."""
    p = mg.ones(1, requires_grad=True)
    optimizer = SGD([p])
    optimizer.state["evaluations"]["count"] = [3]
    loaded = SGD([p])
    loaded.load_state_dict(optimizer.state_dict())
    assert loaded.state["evaluations"] == {"count": [3]}
    assert loaded.state["evaluations"]["count"] is not optimizer.state["evaluations"]["count"]


def leaves(*shapes):
    return [mg.ones(*shape, requires_grad=True) for shape in shapes]


def adam_state(*shapes):
    params = leaves(*shapes)
    optimizer = Adam(params)
    for p in params:
        p.grad = mg.ones(*p.shape)
    optimizer.step()
    return optimizer.state_dict()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            Adam([{"params": leaves((1,))}, {"params": leaves((2,))}]).state_dict(),
            "different number of parameter groups: 2, the optimizer has 1",
        ),
        (adam_state((2,), (3,), (4,)), "group 0 has 3 parameters, the optimizer's has 2"),
        (SGD(leaves((2,), (3,))).state_dict(), "no betas, eps, amsgrad.* in group 0: .* another kind of optimizer"),
        (
            adam_state((3,), (2,)),
            r"exp_avg of shape \(3,\) for parameter 0, whose shape is \(2,\): it was saved for another model",
        ),
    ],
)
def test_a_misfit_is_explained_and_changes_nothing(state, message, feed):
    params = leaves((2,), (3,))
    optimizer = Adam(params, lr=0.5)
    feed(optimizer, params, [np.ones(2, np.float32), np.ones(3, np.float32)])
    kept = optimizer.state[params[0]]["exp_avg"]
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.state[params[0]]["exp_avg"] is kept
