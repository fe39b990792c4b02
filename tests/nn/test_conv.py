"""Convolution layers: their parameters, their padding, and the transposed one."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def ones_conv(cls, *args, **kwargs):
    """A layer in float64 whose weights are all 1 and whose bias is 0."""
    layer = cls(*args, **kwargs).double()
    nn.init.ones_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def test_parameters_have_pytorchs_shapes():
    conv = nn.Conv2d(4, 6, (3, 5), groups=2)
    assert (conv.weight.shape, conv.bias.shape) == ((6, 2, 3, 5), (6,))
    assert nn.Conv1d(4, 6, 3, bias=False).weight.shape == (6, 4, 3)
    assert nn.ConvTranspose2d(4, 6, 3, groups=2).weight.shape == (4, 3, 3, 3)
    assert list(conv.state_dict()) == ["weight", "bias"]


def test_it_starts_within_one_over_the_root_of_fan_in():
    conv = nn.Conv2d(16, 64, 5)
    for parameter in (conv.weight, conv.bias):
        assert np.abs(parameter.array).max() <= 1 / 20
    assert conv.weight.array.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.02)


def test_a_window_of_ones_sums(rng):
    x = rng.standard_normal((2, 3, 6, 7))
    y = ones_conv(nn.Conv2d, 3, 1, 3, stride=2)(mg.tensor(x)).array
    assert y.shape == (2, 1, 2, 3)
    np.testing.assert_allclose(y[1, 0, 1, 2], x[1, :, 2:5, 4:7].sum(), rtol=1e-12)
    y = ones_conv(nn.Conv1d, 3, 1, 3, dilation=2)(mg.tensor(x[:, :, 0])).array
    np.testing.assert_allclose(y[0, 0, 1], x[0, :, 0, 1:6:2].sum(), rtol=1e-12)


def test_groups_see_their_own_channels(rng):
    x = rng.standard_normal((1, 4, 3, 3))
    y = ones_conv(nn.Conv2d, 4, 2, 3, groups=2)(mg.tensor(x)).array
    np.testing.assert_allclose(y.reshape(2), [x[0, :2].sum(), x[0, 2:].sum()], rtol=1e-12)


@pytest.mark.parametrize(("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
def test_padding_modes_are_those_of_numpy(rng, mode, numpy_mode):
    x = rng.standard_normal((1, 2, 5, 6))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)), mode=numpy_mode)
    conv = nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode=mode).double()
    plain = nn.Conv2d(2, 3, 3).double()
    plain.load_state_dict(conv.state_dict())
    np.testing.assert_allclose(conv(mg.tensor(x)).array, plain(mg.tensor(padded)).array, rtol=1e-12)


@pytest.mark.parametrize("mode", ["zeros", "replicate"])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (4, 1), ((3, 2), 2)])
def test_padding_same_keeps_the_size(mode, kernel, dilation):
    conv = ones_conv(nn.Conv2d, 1, 1, kernel, padding="same", dilation=dilation, padding_mode=mode)
    y = conv(mg.ones(1, 1, 6, 7, dtype=mg.float64))
    assert y.shape == (1, 1, 6, 7)
    if mode == "replicate":
        assert (y.array == np.prod(conv.kernel_size)).all()
    elif kernel == 4:  # the odd place goes to the end, as in PyTorch
        assert y.array[0, 0, 0, 0] == 9
        assert y.array[0, 0, -1, -1] == 4


def test_padding_valid_is_none():
    for mode in ("zeros", "reflect"):
        assert nn.Conv2d(1, 1, 3, padding="valid", padding_mode=mode)(mg.ones(1, 1, 5, 5)).shape == (
            1,
            1,
            3,
            3,
        )


def test_transposed_is_the_adjoint(rng):
    """<conv(x), y> = <x, conv_transpose(y)> for the same weight."""
    conv = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False).double()
    back = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, bias=False).double()
    back.weight.array[...] = conv.weight.array
    x, y = mg.tensor(rng.standard_normal((1, 2, 6, 7))), mg.tensor(rng.standard_normal((1, 3, 3, 4)))
    x_back = back(y, output_size=(6, 7))
    assert x_back.shape == x.shape
    np.testing.assert_allclose((conv(x) * y).sum().item(), (x * x_back).sum().item(), rtol=1e-12)


def test_output_sizes_of_the_transposed():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, output_padding=1)
    x = mg.ones(1, 1, 4, 4)
    assert layer(x).shape == (1, 1, 10, 10)
    assert layer(x, output_size=[9, 10]).shape == (1, 1, 9, 10)
    with pytest.raises(ValueError, match="axis 0 can reach 9 to 10 only"):
        layer(x, output_size=(11, 10))
    with pytest.raises(ValueError, match="output_size must be integers"):
        layer(x, output_size=(9,))


def test_reprs_are_pytorchs():
    assert repr(nn.Conv2d(3, 8, 3, padding=1, bias=False)) == (
        "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)"
    )
    assert repr(nn.Conv1d(4, 8, 3, padding="same", dilation=2, groups=4, padding_mode="circular")) == (
        "Conv1d(4, 8, kernel_size=(3,), stride=(1,), padding=same, dilation=(2,), groups=4, padding_mode=circular)"
    )
    assert repr(nn.ConvTranspose2d(3, 8, 2, stride=2, output_padding=1)) == (
        "ConvTranspose2d(3, 8, kernel_size=(2, 2), stride=(2, 2), output_padding=(1, 1))"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": 2}, "in_channels=3 must be divisible by groups=2"),
        ({"groups": 3}, "out_channels=4 must be divisible by groups=3"),
        ({"padding": "full"}, "padding must be integers, 'same' or 'valid', and is 'full'"),
        ({"padding": "same", "stride": 2}, "the stride must be 1"),
        ({"padding_mode": "mirror"}, "padding_mode must be 'zeros' or 'reflect'"),
        ({"stride": (1, 1, 1)}, "stride must be an integer of at least 1"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.Conv2d(3, 4, 3, **settings)


def test_the_transposed_knows_zeros_only():
    with pytest.raises(ValueError, match="padding_mode must be 'zeros'"):
        nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")
