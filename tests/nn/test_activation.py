"""Activation layers against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

X = np.array([-8.0, -1.5, -0.3, 0.4, 2.0, 7.0])
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
PHI = np.array([(1 + math.erf(x / math.sqrt(2))) / 2 for x in X])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


CASES = [
    (nn.ReLU(), np.maximum(X, 0), "ReLU()"),
    (nn.ReLU(inplace=True), np.maximum(X, 0), "ReLU(inplace=True)"),
    (nn.LeakyReLU(0.2), np.where(X > 0, X, 0.2 * X), "LeakyReLU(negative_slope=0.2)"),
    (
        nn.LeakyReLU(inplace=True),
        np.where(X > 0, X, 0.01 * X),
        "LeakyReLU(negative_slope=0.01, inplace=True)",
    ),
    (nn.ELU(2.0), np.where(X > 0, X, 2 * np.expm1(X)), "ELU(alpha=2.0)"),
    (nn.SELU(), SELU_SCALE * np.where(X > 0, X, SELU_ALPHA * np.expm1(X)), "SELU()"),
    (nn.GELU(), X * PHI, "GELU(approximate='none')"),
    (
        nn.GELU("tanh"),
        X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))) / 2,
        "GELU(approximate='tanh')",
    ),
    (nn.SiLU(), X * sigmoid(X), "SiLU()"),
    (nn.Softplus(), np.log1p(np.exp(X)), "Softplus(beta=1.0, threshold=20.0)"),
    (
        nn.Softplus(2.0, 3.0),
        np.where(2 * X > 3, X, np.log1p(np.exp(2 * X)) / 2),
        "Softplus(beta=2.0, threshold=3.0)",
    ),
    (nn.Hardtanh(), np.clip(X, -1, 1), "Hardtanh(min_val=-1.0, max_val=1.0)"),
    (nn.ReLU6(), np.clip(X, 0, 6), "ReLU6()"),
    (nn.Sigmoid(), sigmoid(X), "Sigmoid()"),
    (nn.Tanh(), np.tanh(X), "Tanh()"),
    (nn.LogSigmoid(), -np.log1p(np.exp(-X)), "LogSigmoid()"),
    (nn.Softmax(dim=-1), np.exp(X) / np.exp(X).sum(), "Softmax(dim=-1)"),
    (nn.LogSoftmax(dim=0), X - np.log(np.exp(X).sum()), "LogSoftmax(dim=0)"),
]


@pytest.mark.parametrize(("layer", "expected", "text"), CASES, ids=[case[2] for case in CASES])
def test_formula_and_repr(layer, expected, text):
    x = mg.tensor(X)
    np.testing.assert_allclose(layer(x).array, expected, rtol=1e-12, atol=1e-14)
    written = expected if "inplace" in text else X
    np.testing.assert_allclose(x.array, written, rtol=1e-12, atol=1e-14)
    assert repr(layer) == text
    assert not layer.state_dict()


def test_softmax_without_an_axis_warns_and_picks_one():
    for layer in (nn.Softmax(), nn.LogSoftmax()):
        with pytest.warns(UserWarning, match="without dim picks dim=0"):
            layer(mg.ones(3))


def test_hardtanh_needs_an_interval():
    with pytest.raises(ValueError, match="must be less than"):
        nn.Hardtanh(1.0, -1.0)
