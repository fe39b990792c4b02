"""Dropout and embeddings' lookup don't differ in evaluation; in training dropout drops."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_evaluation_is_the_identity():
    x = mg.randn(3, 4)
    np.testing.assert_array_equal(nn.Dropout(0.9).eval()(x).array, x.array)


def test_training_drops_and_scales():
    y = nn.Dropout(0.25)(mg.ones(200, 200)).array
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / 0.75, rtol=1e-6)
    assert kept.mean() == pytest.approx(0.75, abs=0.01)


def test_backward_goes_through_what_was_kept():
    x = mg.ones(50, requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


def test_extremes():
    assert not nn.Dropout(1.0)(mg.ones(10)).array.any()
    np.testing.assert_array_equal(nn.Dropout(0.0)(mg.ones(10)).array, 1)
    with pytest.raises(ValueError, match="p must be a number from 0 to 1"):
        nn.Dropout(1.5)


def test_dropout2d_drops_whole_channels():
    y = nn.Dropout2d(0.5)(mg.ones(20, 10, 3, 3)).array
    assert set(np.unique(y)) == {0, 2}
    assert (y.reshape(200, 9).std(1) == 0).all()


def test_reprs():
    assert repr(nn.Dropout(0.1)) == "Dropout(p=0.1, inplace=False)"
