"""state_dict and load_state_dict: PyTorch's keys, and all or nothing."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def small():
    return nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))


KEYS = [
    "0.weight",
    "1.weight",
    "1.bias",
    "1.running_mean",
    "1.running_var",
    "1.num_batches_tracked",
    "3.weight",
    "3.bias",
]


def values_of(net):
    return {key: tensor.array.copy() for key, tensor in net.state_dict().items()}


def test_keys_are_those_of_pytorch():
    assert list(small().state_dict()) == KEYS
    assert list(small().state_dict(prefix="net.")) == ["net." + key for key in KEYS]


def test_values_share_memory_and_need_no_gradient():
    net = small()
    state = net.state_dict()
    assert state["3.weight"].array is net[3].weight.array
    assert not state["3.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["3.weight"] is net[3].weight
    destination = {}
    assert net.state_dict(destination=destination) is destination


def test_load_copies_values():
    first, second = small(), small()
    weight = second[3].weight
    result = second.load_state_dict(first.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert result.missing_keys == result.unexpected_keys == []
    assert second[3].weight is weight
    for key, value in values_of(first).items():
        np.testing.assert_array_equal(values_of(second)[key], value)
    first[3].weight.array[...] = 0
    assert weight.array.any()


def test_load_takes_arrays_and_keeps_the_dtype():
    net = small()
    net.load_state_dict({key: np.ones(t.shape, np.float64) for key, t in net.state_dict().items()})
    assert net[3].weight.dtype == np.float32
    assert (net[3].weight.array == 1).all()
    assert net[1].num_batches_tracked.item() == 1


def test_a_misfit_lists_everything_and_changes_nothing():
    net = small()
    before = values_of(net)
    state = {key: np.zeros(value.shape) for key, value in before.items()}
    del state["1.bias"]
    state["extra"] = np.zeros(1)
    state["3.weight"] = np.zeros((5, 2))
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert "missing key(s): '1.bias'" in message
    assert "unexpected key(s): 'extra'" in message
    assert "size mismatch for 3.weight: the dictionary has (5, 2), the module (3, 2)" in message
    for key, value in values_of(net).items():
        np.testing.assert_array_equal(value, before[key])


def test_what_can_not_be_converted_changes_nothing():
    net = nn.Linear(1, 1)
    before = values_of(net)
    with pytest.raises(ValueError, match="real numbers"):
        net.load_state_dict({"weight": np.zeros((1, 1)), "bias": np.array(["text"])})
    np.testing.assert_array_equal(net.weight.array, before["weight"])


def test_not_strict_loads_what_both_have():
    net = nn.Linear(2, 2)
    result = net.load_state_dict({"weight": np.zeros((2, 2)), "other": np.zeros(1)}, strict=False)
    assert result.missing_keys == ["bias"]
    assert result.unexpected_keys == ["other"]
    assert not net.weight.array.any()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        net.load_state_dict({"weight": np.zeros((3, 2))}, strict=False)


def test_the_message_knows_a_prefix():
    net = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="keys begin with 'module.'"):
        net.load_state_dict({"module." + key: value for key, value in net.state_dict().items()})
    with pytest.raises(RuntimeError, match="Pass strict=False"):
        net.load_state_dict({"weight": net.weight})


def test_assign_takes_the_arrays():
    net = nn.Linear(2, 2)
    weight, array = net.weight, np.ones((2, 2))
    net.load_state_dict({"weight": array, "bias": np.ones(2)}, assign=True)
    assert net.weight is weight
    assert weight.array is array


def test_long_lists_are_counted():
    net = nn.Sequential(*(nn.Linear(1, 1) for _ in range(10)))
    with pytest.raises(RuntimeError, match="and 8 more"):
        net.load_state_dict({})


def test_only_dictionaries_are_loaded():
    with pytest.raises(TypeError, match="takes a dictionary of tensors, not Linear"):
        nn.Linear(1, 1).load_state_dict(nn.Linear(1, 1))


def test_tied_weights_have_a_key_each():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    state = {key: mg.ones(2, 2) for key in net.state_dict()}
    net.load_state_dict(state)
    assert net[0].weight is net[1].weight
    assert (net[0].weight.array == 1).all()
