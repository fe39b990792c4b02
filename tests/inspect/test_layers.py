"""Gradient norms by layer: the names, the order, the numbers, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from inspect_nets import ResNet, randn

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn


def test_names_and_forward_order(resnet):
    names = inspect.trace(resnet[0]).layers().names
    assert names[:8] == [
        "conv1",
        "layer1.0.conv1",
        "layer1.0.bn1",
        "layer1.0.relu",
        "layer1.0.conv2",
        "layer1.0.bn2",
        "layer1.0",
        "layer1.0.relu:2",
    ]
    assert names[-1] == "fc"


def test_norms_are_those_of_the_tensors():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            self.h1 = self.fc1(x)
            self.h2 = self.fc2(self.h1.tanh())
            return self.h2

    net = Net().double()
    layers = inspect.trace(net(randn(5, 3)).square().sum()).layers()
    assert layers.names == ["fc1", "fc2"]
    for name, h in (("fc1", net.h1), ("fc2", net.h2)):
        layer = getattr(net, name)
        row = layers[name]
        assert math.isclose(row.norm, np.linalg.norm(h.grad.array), rel_tol=1e-14)
        parts = [np.linalg.norm(p.grad.array) for p in (layer.weight, layer.bias)]
        assert math.isclose(row.param_norm, math.hypot(*parts), rel_tol=1e-14)
        np.testing.assert_allclose(sorted(row.params.values()), sorted(parts), rtol=1e-14)
    np.testing.assert_array_equal(layers.norms, [row.norm for row in layers])
    np.testing.assert_array_equal(layers.param_norms, [row.param_norm for row in layers])


def test_parameters_have_the_models_names_where_it_is_given(mixed):
    loss, _, net = mixed
    rows = inspect.trace(loss).layers(net)
    assert list(rows["0.branch.0"].params) == ["0.branch.0.weight", "0.branch.0.bias"]


def test_what_is_not_reached_is_marked_and_never_zero():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.unused, self.b = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            self.unused(x)
            return self.b(self.a(x).detach())

    net = Net()
    layers = inspect.trace(net(mg.ones(1, 2)).sum()).layers(net)
    assert layers.names == ["a", "unused", "b"]
    for name in ("a", "unused"):
        row = layers[name]
        assert row.norm is None
        assert row.condition == row.param_condition == "not reached"
        assert row.params == {f"{name}.weight": None, f"{name}.bias": None}
    assert np.isnan(layers.norms[:2]).all()
    assert "not reached" in str(layers)
    assert layers["b"].condition == ""


def test_dead_units_are_zero_and_tiny_gradients_underflow():
    x = mg.ones(1, 2, requires_grad=True)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].bias.array[:] = -100
    layers = inspect.trace(net(x).sum()).layers()
    assert layers["0"].condition == "zero"
    assert layers["2"].condition == ""
    layers = inspect.trace(net(x), np.full((1, 1), 1e-42, dtype=np.float32)).layers()
    assert layers["2"].condition == "underflow"
    layers = inspect.trace(net(x), np.full((1, 1), np.nan, dtype=np.float32)).layers()
    assert layers["2"].condition == "NaN"
    assert "NaN" in str(layers)


def test_without_modules_each_node_is_a_layer():
    x, w = randn(2, 3), randn(3, 3)
    layers = inspect.trace((x @ w).tanh().sum()).layers()
    assert [name.partition("#")[0] for name in layers.names] == ["Matmul", "Tanh", "Sum"]
    assert layers[0].param_norm > 0


def test_a_module_that_runs_several_times_has_a_row_each():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert inspect.trace(net(mg.ones(1, 2)).sum()).layers().names == ["0", "1", "0:2"]


def test_the_plain_net_vanishes_where_the_residual_one_does_not():
    """C3 in small: the same layers, with and without skips."""
    mg.manual_seed(0)
    norms = {}
    for residual in (False, True):
        wrap = nn.Residual if residual else nn.Sequential
        net = nn.Sequential(*(wrap(nn.Sequential(nn.Linear(8, 8), nn.Tanh())) for _ in range(20)))
        layers = inspect.trace(F.mse_loss(net(mg.randn(16, 8)), mg.zeros(16, 8))).layers()
        norms[residual] = [row.norm for row in layers if row.name.endswith((".branch.1", ".0.1"))]
    assert norms[False][0] < 1e-3 * norms[False][-1]
    assert norms[True][0] > 0.1 * norms[True][-1]


def test_choosing_and_writing(resnet, tmp_path):
    layers = inspect.trace(resnet[0], keep="norms").layers()
    assert len(layers.select("layer1.0")) == 7
    assert [row.name for row in layers[:2]] == ["conv1", "layer1.0.conv1"]
    with pytest.raises(inspect.UnknownNameError, match="nearest: 'layer1.0.conv"):
        layers["layer1.0.conv3"]
    with pytest.raises(inspect.UnknownNameError):
        layers.select("layer7")
    layers.to_csv(tmp_path / "layers.csv")
    assert (tmp_path / "layers.csv").read_text().startswith("name,kind,norm,condition")
    assert layers.to_dict()[0]["name"] == "conv1"
    assert "<table>" in layers._repr_html_()


def test_an_integer_input_needs_no_gradient():
    net = ResNet()
    assert "conv1" in inspect.trace(net(mg.randn(1, 2, 6, 6)).sum()).layers().names
