"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import minigrad as mg
from minigrad import nn


def linears(n):
    return [nn.Linear(i + 1, i + 2) for i in range(n)]


def test_sequential_runs_in_order():
    net = nn.Sequential(*linears(3))
    assert net(mg.ones(2, 1)).shape == (2, 4)
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert nn.Sequential()(5) == 5


def test_sequential_takes_names():
    net = nn.Sequential(OrderedDict([("conv", nn.Identity()), ("act", nn.ReLU())]))
    assert [name for name, _ in net.named_children()] == ["conv", "act"]
    assert net.act is net[1]
    assert list(net[1:]._modules) == ["act"]
    net.add_module("last", nn.ReLU())
    assert net[-1] is net.last
    del net[0]
    assert list(net._modules) == ["act", "last"]


def test_sequential_slices_and_changes():
    layers = linears(4)
    net = nn.Sequential(*layers)
    assert list(net[1:3]) == layers[1:3]
    assert isinstance(net[:2], nn.Sequential)
    assert net[-1] is layers[3]
    assert layers[2] in net
    net[1] = nn.Identity()
    assert list(net._modules) == ["0", "1", "2", "3"]
    del net[1]
    assert list(net._modules) == ["0", "1", "2"]
    assert net.pop(0) is layers[0]
    assert net.append(nn.ReLU()) is net
    assert net.insert(0, nn.Tanh()) is net
    assert [type(m).__name__ for m in net] == ["Tanh", "Linear", "Linear", "ReLU"]
    assert len(net.extend([nn.ReLU()])) == 5
    assert len(net + nn.Sequential(nn.ReLU())) == 6
    with pytest.raises(IndexError, match="index is out of range: it must be one of 5 modules, and is 5"):
        net[5]


def test_module_list():
    layers = linears(3)
    held = nn.ModuleList(layers)
    assert [*held] == layers
    assert len(held) == 3
    assert list(held[1:]) == layers[1:]
    assert isinstance(held[1:], nn.ModuleList)
    held += [nn.ReLU()]
    held.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in held] == ["Linear", "Tanh", "Linear", "Linear", "ReLU"]
    assert held.pop(1).__class__ is nn.Tanh
    held[0] = nn.Identity()
    assert isinstance(held[0], nn.Identity)
    del held[:2]
    assert list(held._modules) == ["0", "1"]
    assert len(held + [nn.ReLU()]) == 3
    assert held.append(nn.ReLU()) is held
    assert list(reversed(held))[0].__class__ is nn.ReLU
    with pytest.raises(IndexError):
        held[3]
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        held(1)


def test_module_list_repr():
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict():
    held = nn.ModuleDict({"a": nn.ReLU()})
    held["b"] = nn.Linear(1, 1)
    held.update([("c", nn.Tanh())])
    held.update(nn.ModuleDict({"a": nn.Identity()}))
    assert list(held) == list(held.keys()) == ["a", "b", "c"]
    assert isinstance(held["a"], nn.Identity)
    assert [type(m).__name__ for m in held.values()] == ["Identity", "Linear", "Tanh"]
    assert dict(held.items())["c"] is held["c"]
    assert "b" in held
    assert list(held.state_dict()) == ["b.weight", "b.bias"]
    assert isinstance(held.pop("b"), nn.Linear)
    del held["a"]
    assert len(held) == 1
    held.clear()
    assert len(held) == 0


def test_parameter_list():
    held = nn.ParameterList([nn.Parameter(mg.zeros(2)), mg.ones(1)])
    held += [mg.ones(3)]
    assert all(isinstance(p, nn.Parameter) for p in held)
    assert list(held.state_dict()) == ["0", "1", "2"]
    assert held[-1].shape == (3,)
    assert len(held[1:]) == 2
    held[0] = nn.Parameter(mg.ones(5))
    assert held[0].shape == (5,)
    assert repr(held[:1]) == "ParameterList(\n  (0): Parameter containing: [float32 of shape (5,)]\n)"
    with pytest.raises(IndexError, match="index is out of range: it must be one of 3 parameters, and is 3"):
        held[3]
    with pytest.raises(TypeError, match="a str is no parameter"):
        held.append("w")
    with pytest.raises(RuntimeError, match="can't be called"):
        held(1)


def test_parameter_dict():
    held = nn.ParameterDict({"a": mg.zeros(2)})
    held["b"] = nn.Parameter(mg.ones(1))
    held.update(nn.ParameterDict({"c": mg.ones(1)}))
    assert list(held) == list(held.keys()) == list(held.state_dict()) == ["a", "b", "c"]
    assert dict(held.items())["a"] is held["a"]
    assert len(list(held.values())) == len(held) == 3
    assert held.pop("a").shape == (2,)
    del held["b"]
    assert "c" in held
    held.clear()
    assert not len(held)
