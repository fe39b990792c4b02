"""Parameter groups: completed with the defaults, and checked."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.optim import SGD, Adam, AdamW
from minigrad.optim.optimizer import Optimizer, required


def leaf(*shape):
    return mg.ones(*shape or (2,), requires_grad=True)


def test_tensors_alone_are_one_group_with_the_defaults():
    a, b = leaf(), leaf()
    (group,) = SGD(iter([a, b]), lr=0.5, momentum=0.9).param_groups
    assert group["params"] == [a, b]
    assert (group["lr"], group["momentum"], group["dampening"]) == (0.5, 0.9, 0)


def test_a_group_has_its_own_settings(feed):
    a, b = leaf(), leaf()
    optimizer = SGD([{"params": [a], "lr": 0.25}, {"params": b, "weight_decay": 1.0}], lr=0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.5]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0, 1.0]
    feed(optimizer, [a, b], [[1.0, 1.0], [0.0, 1.0]])
    assert a.tolist() == [0.75, 0.75]
    assert b.tolist() == [0.5, 0.0]


def test_settings_may_be_changed_between_steps(feed):
    p = leaf()
    optimizer = SGD([p], lr=0.5)
    optimizer.param_groups[0]["lr"] = 0.25
    feed(optimizer, [p], [[1.0, 2.0]])
    assert p.tolist() == [0.75, 0.5]


def test_a_group_can_be_added_in_mid_course(feed):
    a, b = leaf(), leaf()
    optimizer = SGD([a], lr=0.5)
    feed(optimizer, [a], [[1.0, 1.0]])
    optimizer.add_param_group({"params": b, "lr": 0.25})
    feed(optimizer, [a, b], [[1.0, 1.0], [1.0, 1.0]])
    assert a.tolist() == [0.0, 0.0]
    assert b.tolist() == [0.75, 0.75]


def test_the_callers_dictionary_is_the_group():
    group = {"params": [leaf()], "lr": 0.25, "note": "kept"}
    optimizer = SGD([group])
    assert optimizer.param_groups[0] is group
    assert group["note"] == "kept"


def test_names_are_kept():
    net = nn.Linear(2, 3)
    optimizer = Adam(net.named_parameters())
    (group,) = optimizer.param_groups
    assert group["param_names"] == ["weight", "bias"]
    assert group["params"] == [net.weight, net.bias]
    optimizer.add_param_group({"params": [("extra", leaf())]})
    assert optimizer.state_dict()["param_groups"][1]["param_names"] == ["extra"]


def test_names_are_given_to_all_or_none():
    with pytest.raises(ValueError, match="Some param names are missing"):
        SGD([("a", leaf()), leaf()])
    with pytest.raises(ValueError, match="groups should be with/without names"):
        SGD([("a", leaf())]).add_param_group({"params": [leaf()]})
    with pytest.raises(ValueError, match="groups should be with/without names"):
        SGD([leaf()]).add_param_group({"params": [("a", leaf())]})


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (leaf(), TypeError, r"pass \[tensor\]"),
        (nn.Linear(1, 1), TypeError, r"not Linear: pass model.parameters\(\)"),
        (nn.Linear(1, 1).parameters, TypeError, r"pass model.parameters\(\)"),
        ([], ValueError, r"empty parameter list.*call model.parameters\(\) again"),
        ([1.0], TypeError, "one of the params is float"),
        ([np.ones(2)], TypeError, "one of the params is ndarray"),
        ([nn.Linear(1, 1)], TypeError, r"one of the params is Linear.*pass module.parameters\(\)"),
        ([leaf() * 2], ValueError, "can't optimize a non-leaf Tensor"),
        ([{"params": {leaf()}}], TypeError, "the order of a set changes from run to run"),
    ],
)
def test_what_is_no_list_of_leaves(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params)


def test_a_group_is_a_dictionary():
    optimizer = SGD([leaf()])
    with pytest.raises(TypeError, match="param_group must be a dict, but got list"):
        optimizer.add_param_group([leaf()])


def test_a_rejected_group_changes_nothing():
    a, b = leaf(), leaf()
    optimizer = SGD([a])
    with pytest.raises(ValueError, match="appear in more than one parameter group"):
        optimizer.add_param_group({"params": [b, a]})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": [b]})


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_parameter_listed_twice_is_updated_twice(kind, feed):
    """The warning is about the user's line, not about a constructor of ours."""
    p = leaf()
    with pytest.warns(UserWarning, match="duplicate parameters") as caught:
        optimizer = kind([p, p], lr=0.25, weight_decay=0)
    assert caught[0].filename == __file__
    feed(optimizer, [p, p], [[1.0, 1.0]] * 2)
    np.testing.assert_allclose(p.array, 0.5, rtol=1e-6)


def test_a_setting_without_default_is_asked_for():
    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter rate"):
        Optimizer([leaf()], {"rate": required})
    assert Optimizer([{"params": [leaf()], "rate": 1}], {"rate": required}).param_groups[0]["rate"] == 1
