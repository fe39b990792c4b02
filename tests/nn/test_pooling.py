"""Pooling and upsampling."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

IMAGE = np.arange(24.0).reshape(1, 1, 4, 6)
BLOCKS = IMAGE.reshape(2, 2, 3, 2)  # rows of blocks, rows in a block, columns of blocks, columns in a block


def image():
    return mg.tensor(IMAGE)


def test_max_and_mean_of_blocks():
    np.testing.assert_array_equal(nn.MaxPool2d(2)(image()).array[0, 0], BLOCKS.max((1, 3)))
    np.testing.assert_array_equal(nn.AvgPool2d(2)(image()).array[0, 0], BLOCKS.mean((1, 3)))
    row = mg.tensor(IMAGE[:, 0])
    assert nn.MaxPool1d(3)(row).tolist() == [[[2, 5], [8, 11], [14, 17], [20, 23]]]
    assert nn.AvgPool1d(3, stride=3)(row).tolist() == [[[1, 4], [7, 10], [13, 16], [19, 22]]]


def test_strides_and_padding():
    assert nn.MaxPool2d(3, stride=2, padding=1)(image()).shape == (1, 1, 2, 3)
    assert nn.MaxPool2d((2, 3), stride=1)(image()).shape == (1, 1, 3, 4)
    assert nn.MaxPool2d(3, stride=2, ceil_mode=True)(image()).shape == (1, 1, 2, 3)
    one = mg.ones(1, 1, 2, 2)
    assert nn.AvgPool2d(2, padding=1)(one).array.max() == 0.25
    assert nn.AvgPool2d(2, padding=1, count_include_pad=False)(one).array.min() == 1
    assert nn.AvgPool2d(2, divisor_override=1)(one).item() == 4


def test_max_pool_gives_indices():
    _, places = nn.MaxPool2d(2, return_indices=True)(image())
    assert places.tolist() == [[[[7, 9, 11], [19, 21, 23]]]]


def test_adaptive_pooling():
    np.testing.assert_allclose(nn.AdaptiveAvgPool2d(1)(image()).array, IMAGE.mean((2, 3), keepdims=True))
    np.testing.assert_array_equal(nn.AdaptiveAvgPool2d((2, 3))(image()).array[0, 0], BLOCKS.mean((1, 3)))
    assert nn.AdaptiveAvgPool2d((None, 2))(image()).shape == (1, 1, 4, 2)
    assert nn.AdaptiveAvgPool1d(2)(mg.tensor([[[1.0, 2.0, 3.0, 4.0]]])).tolist() == [[[1.5, 3.5]]]


def test_upsample():
    np.testing.assert_array_equal(
        nn.Upsample(scale_factor=2)(image()).array[0, 0], IMAGE[0, 0].repeat(2, 0).repeat(2, 1)
    )
    assert nn.Upsample(size=(7, 9))(image()).shape == (1, 1, 7, 9)
    corners = nn.Upsample(size=(7, 11), mode="bilinear", align_corners=True)(image()).array[0, 0]
    np.testing.assert_allclose(corners[::2, ::2], IMAGE[0, 0], rtol=1e-12)
    np.testing.assert_allclose(corners, np.arange(0, 18.5, 3)[:, None] + np.arange(0, 5.5, 0.5), atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            nn.MaxPool2d(3, stride=2, padding=1),
            "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)",
        ),
        (nn.AvgPool2d(2), "AvgPool2d(kernel_size=2, stride=2, padding=0)"),
        (nn.AvgPool1d(2), "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))"),
        (nn.AdaptiveAvgPool2d((1, 1)), "AdaptiveAvgPool2d(output_size=(1, 1))"),
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
        (nn.Upsample(size=(3, 4)), "Upsample(size=(3, 4), mode='nearest')"),
    ],
)
def test_reprs_are_pytorchs(layer, text):
    assert repr(layer) == text
