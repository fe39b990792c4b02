"""Capsules: the paper's size, couplings that sum to 1 (F14), routing as nodes, losses by formula, a batch fitted."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import models
from minigrad.models.capsule_net import Agreement, CapsuleLayer, margin_loss

from .fitting import count, fit


def test_it_is_as_large_as_the_papers():
    net = models.CapsuleNet((1, 28, 28), channels=256, kernel_size=9, primaries=32, decoder=(512, 1024))
    assert count(net) / 1e6 == pytest.approx(8.2, abs=0.05)
    assert (count(net) - count(net.decoder)) / 1e6 == pytest.approx(6.8, abs=0.05)


def test_couplings_sum_to_one_over_the_parents(monkeypatch):
    seen = []
    softmax = F.softmax
    monkeypatch.setattr(F, "softmax", lambda x, dim: seen.append(softmax(x, dim)) or seen[-1])
    models.CapsuleNet()(mg.randn(2, 1, 8, 8))
    assert len(seen) == 3
    np.testing.assert_allclose(seen[0].array, 1 / 10, rtol=1e-6)  # they begin equal
    assert (seen[2].array != seen[0].array).any()
    for couplings in seen:
        np.testing.assert_allclose(couplings.array.sum(2), 1, rtol=1e-5)


def test_one_round_is_the_papers_lines(rng):
    votes, logits = rng.normal(size=(2, 5, 3, 4)), rng.normal(size=(2, 5, 3))
    c = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    s = np.einsum("nij,nijd->njd", c, votes)
    r = np.linalg.norm(s, axis=-1, keepdims=True)
    v = r / (1 + r**2) * s
    found, updated = Agreement(last=False)(mg.tensor(votes), mg.tensor(logits))
    np.testing.assert_allclose(found.array, v, rtol=1e-12)
    np.testing.assert_allclose(updated.array, logits + np.einsum("nijd,njd->nij", votes, v), rtol=1e-12)


def test_the_trace_shows_the_rounds():
    net = models.CapsuleNet(routings=3)
    loss = net.loss(mg.rand(2, 1, 8, 8), mg.tensor([1, 2]))
    names = [(type(step.node).__name__, step.node.module) for step in mg.backward_steps(loss)]
    rounds = [module for kind, module in names if kind == "Squash"]
    assert rounds == ["classes.rounds.2", "classes.rounds.1", "classes.rounds.0", ""]
    assert [module for kind, module in names if kind == "ResidualAdd"] == ["classes.rounds.1", "classes.rounds.0"]


def test_gradients_of_routing():
    layer = CapsuleLayer(3, 2, 2, 4, routings=3).double()
    assert mg.gradcheck(layer, mg.randn(2, 3, 2, dtype=mg.float64, requires_grad=True))


def test_margin_loss_is_its_formula(rng):
    v = rng.uniform(0, 0.6, (4, 3, 2))
    labels = np.array([0, 2, 1, 1])
    length = np.linalg.norm(v, axis=2)
    t = np.eye(3)[labels]
    expected = (t * np.maximum(0, 0.9 - length) ** 2 + 0.5 * (1 - t) * np.maximum(0, length - 0.1) ** 2).sum(1).mean()
    assert margin_loss(mg.tensor(v), mg.tensor(labels)).item() == pytest.approx(expected, rel=1e-12)


def test_no_nan_on_a_black_image():
    net = models.CapsuleNet()
    for p in net.conv.parameters():
        mg.nn.init.zeros_(p)
    mg.nn.init.zeros_(net.primary.bias)
    net.loss(mg.zeros(2, 1, 8, 8), mg.tensor([0, 1])).backward()
    assert all(np.isfinite(p.grad.array).all() for p in net.parameters() if p.grad is not None)


def test_it_fits_a_small_batch():
    images, labels = mg.data.digits("train")
    net = models.CapsuleNet()
    losses = fit(net.parameters(), lambda: net.loss(images[:24], labels[:24]), 60, rate=0.005)
    assert losses[-1] < 0.35 * losses[0]
    right = (net(images[:24]).square().sum(2).argmax(1) == labels[:24]).float().mean().item()
    assert right > 0.9


def test_bad_input():
    with pytest.raises(ValueError, match="need 17 pixels"):
        models.CapsuleNet((1, 8, 8), kernel_size=9)
    with pytest.raises(ValueError, match="labels go from 0 to 10"):
        models.CapsuleNet().loss(mg.zeros(2, 1, 8, 8), mg.tensor([0, 10]))
    with pytest.raises(ValueError, match="no decoder"):
        models.CapsuleNet(decoder=()).reconstruct(mg.zeros(1, 10, 16), mg.tensor([0]))
    with pytest.raises(ValueError, match="routings must be an integer from 1"):
        CapsuleLayer(2, 2, 2, 2, routings=0)
