"""Losses against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


@pytest.fixture
def pair(rng):
    return mg.tensor(rng.standard_normal((4, 3))), mg.tensor(rng.standard_normal((4, 3)))


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (nn.MSELoss, lambda d: d**2),
        (nn.L1Loss, np.abs),
        (nn.SmoothL1Loss, lambda d: np.where(np.abs(d) < 1, d**2 / 2, np.abs(d) - 0.5)),
    ],
)
def test_differences(pair, layer, formula):
    expected = formula(pair[0].array - pair[1].array)
    np.testing.assert_allclose(layer()(*pair).item(), expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(layer(reduction="sum")(*pair).item(), expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(layer(reduction="none")(*pair).array, expected, rtol=1e-12)


def test_smooth_l1_knows_beta(pair):
    d = np.abs(pair[0].array - pair[1].array)
    np.testing.assert_allclose(
        nn.SmoothL1Loss(beta=0.3)(*pair).item(), np.where(d < 0.3, d**2 / 0.6, d - 0.15).mean(), rtol=1e-12
    )


def log_probabilities(logits):
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def test_cross_entropy(pair):
    logits, target = pair[0], mg.tensor([0, 2, 1, 2])
    each = -log_probabilities(logits.array)[np.arange(4), target.array]
    np.testing.assert_allclose(nn.CrossEntropyLoss()(logits, target).item(), each.mean(), rtol=1e-12)
    np.testing.assert_allclose(nn.NLLLoss(reduction="none")(nn.LogSoftmax(1)(logits), target).array, each, rtol=1e-12)
    weight = np.array([1.0, 2.0, 3.0])
    w = weight[target.array]
    for loss, x in ((nn.CrossEntropyLoss, logits), (nn.NLLLoss, nn.LogSoftmax(1)(logits))):
        layer = loss(weight=mg.tensor(weight))
        np.testing.assert_allclose(layer(x, target).item(), (w * each).sum() / w.sum(), rtol=1e-12)
        assert list(layer.state_dict()) == ["weight"]
        ignoring = loss(ignore_index=2, reduction="sum")
        np.testing.assert_allclose(ignoring(x, target).item(), each[0] + each[2], rtol=1e-12)


def test_label_smoothing(pair):
    logits, target = pair[0], mg.tensor([0, 2, 1, 2])
    logp = log_probabilities(logits.array)
    each = -0.9 * logp[np.arange(4), target.array] - 0.1 * logp.mean(1)
    np.testing.assert_allclose(nn.CrossEntropyLoss(label_smoothing=0.1)(logits, target).item(), each.mean(), rtol=1e-12)


def test_binary_losses(pair, rng):
    logits, target = pair[0], mg.tensor(rng.random((4, 3)))
    x, t = logits.array, target.array
    p = 1 / (1 + np.exp(-x))
    yes, no = -t * np.log(p), -(1 - t) * np.log(1 - p)
    np.testing.assert_allclose(nn.BCELoss()(mg.tensor(p), target).item(), (yes + no).mean(), rtol=1e-12)
    np.testing.assert_allclose(nn.BCEWithLogitsLoss()(logits, target).item(), (yes + no).mean(), rtol=1e-12)
    w = np.array([1.0, 2.0, 3.0])
    weighted = nn.BCEWithLogitsLoss(weight=mg.tensor(w), reduction="none")
    np.testing.assert_allclose(weighted(logits, target).array, (yes + no) * w, rtol=1e-12)
    positive = nn.BCEWithLogitsLoss(pos_weight=mg.tensor(w), reduction="none")
    np.testing.assert_allclose(positive(logits, target).array, yes * w + no, rtol=1e-12)
    assert list(positive.state_dict()) == ["pos_weight"]
    np.testing.assert_allclose(
        nn.BCELoss(weight=mg.tensor(w), reduction="sum")(mg.tensor(p), target).item(),
        ((yes + no) * w).sum(),
        rtol=1e-12,
    )


def test_an_unknown_reduction():
    with pytest.raises(ValueError, match="MSELoss: reduction must be 'mean' or 'sum' or 'none', and is 'average'"):
        nn.MSELoss(reduction="average")
    with pytest.raises(ValueError, match="BCELoss: reduction must be .* and is 'batchmean'"):
        nn.BCELoss(reduction="batchmean")


def test_old_spellings_of_the_reduction():
    assert nn.MSELoss(size_average=False).reduction == "sum"
    assert nn.CrossEntropyLoss(reduce=False).reduction == "none"
    assert nn.CrossEntropyLoss(None, None, 3).ignore_index == 3


def test_huber(pair):
    d = np.abs(pair[0].array - pair[1].array)
    np.testing.assert_allclose(
        nn.HuberLoss(delta=0.5)(*pair).item(), np.where(d < 0.5, d**2 / 2, (d - 0.25) / 2).mean(), rtol=1e-12
    )


def test_divergence(rng):
    p, q = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3)
    each = p * np.log(p / q)
    log_q = mg.tensor(np.log(q))
    assert nn.KLDivLoss(reduction="batchmean")(log_q, mg.tensor(p)).item() == pytest.approx(each.sum() / 3)
    by_logs = nn.KLDivLoss(reduction="none", log_target=True)(log_q, mg.tensor(np.log(p)))
    np.testing.assert_allclose(by_logs.array, each, rtol=1e-10, atol=1e-12)


def test_reprs():
    assert repr(nn.CrossEntropyLoss()) == "CrossEntropyLoss()"
