"""Linear, Identity, Flatten and Unflatten."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_linear_is_a_product_and_a_sum(rng):
    layer = nn.Linear(3, 2).double()
    x = rng.standard_normal((4, 5, 3))
    y = layer(mg.tensor(x))
    np.testing.assert_allclose(y.array, x @ layer.weight.array.T + layer.bias.array, rtol=1e-14)
    assert nn.Linear(3, 2)(mg.ones(3)).shape == (2,)


def test_linear_starts_within_its_bound():
    layer = nn.Linear(400, 300)
    for parameter in (layer.weight, layer.bias):
        assert np.abs(parameter.array).max() <= 1 / 20
    assert layer.weight.array.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.02)
    assert np.abs(layer.weight.array).max() > 0.049


def test_linear_without_bias():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=False)"


def test_the_seed_decides():
    first, again = (mg.manual_seed(3), nn.Linear(4, 4))[1], (mg.manual_seed(3), nn.Linear(4, 4))[1]
    np.testing.assert_array_equal(first.weight.array, again.weight.array)


def test_dtype_and_device():
    assert nn.Linear(2, 2, dtype=mg.float64, device="cpu").bias.dtype == np.float64
    with pytest.raises(RuntimeError, match="CPU only"):
        nn.Linear(2, 2, device="cuda")


def test_a_wrong_size_says_so():
    with pytest.raises(RuntimeError, match=r"the weight takes 3 features, the input has shape \(2, 4\)"):
        nn.Linear(3, 2)(mg.ones(2, 4))


def test_shape_layers():
    x = mg.ones(2, 3, 4, 5)
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert nn.Unflatten(3, (5, 1))(x).shape == (2, 3, 4, 5, 1)
    assert nn.Identity(3, any_setting=True)(x) is x
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(nn.Unflatten(1, (2, 3))) == "Unflatten(dim=1, unflattened_size=(2, 3))"
