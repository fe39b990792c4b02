"""Constant, linear and cosine ramps, against their closed formulas."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR

BASE = np.array([0.1, 0.5])
T = np.arange(13)


@pytest.mark.parametrize("length", [1, 4, 20])
def test_constant(length, sgd, rates):
    found = rates(ConstantLR(sgd(), factor=0.25, total_iters=length), 12)
    np.testing.assert_allclose(found, np.outer(np.where(length > T, 0.25, 1), BASE), rtol=1e-13)


@pytest.mark.parametrize(("start", "end"), [(0.1, 1.0), (1.0, 0.25), (0.5, 0.5), (1.0, 0.0)])
@pytest.mark.parametrize("length", [1, 8, 20])
def test_linear(start, end, length, sgd, rates):
    found = rates(LinearLR(sgd(), start, end, length), 12)
    factor = start + (end - start) * np.minimum(T, length) / length
    np.testing.assert_allclose(found, np.outer(factor, BASE), rtol=1e-12, atol=1e-16)


def test_linear_is_a_warm_up_by_default(sgd, rates):
    found = rates(LinearLR(sgd()), 7)
    np.testing.assert_allclose(found[:, 0] * 10, [1 / 3, 7 / 15, 9 / 15, 11 / 15, 13 / 15, 1, 1, 1], rtol=1e-13)


@pytest.mark.parametrize("lowest", [0.0, 0.02])
@pytest.mark.parametrize("length", [1, 5, 12])
def test_cosine(length, lowest, sgd, rates):
    """After T_max steps, the rate rises again."""
    found = rates(CosineAnnealingLR(sgd(), T_max=length, eta_min=lowest), 12)
    height = (1 + np.cos(np.pi * T / length)) / 2
    np.testing.assert_allclose(found, lowest + np.outer(height, BASE - lowest), rtol=1e-10, atol=1e-15)


def test_cosine_by_hand(sgd, rates):
    found = rates(CosineAnnealingLR(sgd(), T_max=4), 5)
    half = np.sqrt(2) / 4
    np.testing.assert_allclose(found[:, 1] * 2, [1, 0.5 + half, 0.5, 0.5 - half, 0, 0.5 - half], atol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda o: ConstantLR(o, factor=1.5), "Constant multiplicative factor .* between 0 and 1, not 1.5"),
        (lambda o: ConstantLR(o, factor=-0.5), "Constant multiplicative factor .* not -0.5"),
        (lambda o: LinearLR(o, start_factor=0.0), "Starting multiplicative factor .* greater than 0 .* not 0.0"),
        (lambda o: LinearLR(o, start_factor=1.5), "Starting multiplicative factor .* not 1.5"),
        (lambda o: LinearLR(o, end_factor=1.5), "Ending multiplicative factor .* not 1.5"),
        (lambda o: LinearLR(o, end_factor=-0.5), "Ending multiplicative factor .* not -0.5"),
    ],
)
def test_factors_out_of_range(make, message, sgd):
    with pytest.raises(ValueError, match=message):
        make(sgd())
