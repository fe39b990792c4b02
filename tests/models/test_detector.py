"""The detector: radii that give the overlap asked for, maps that decode to their boxes, a batch fitted, bad boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, models
from minigrad.metrics import average_precision
from minigrad.models.heatmaps import decode, detection_loss, encode, focal_loss, gaussian_radius

from .fitting import fit


def worst_overlap(h, w, r):
    """Of a box that moves, shrinks or grows by r at both corners."""
    moved = max(h - r, 0) * max(w - r, 0)
    return min(moved / (2 * h * w - moved), (h - 2 * r) * (w - 2 * r) / (h * w), h * w / ((h + 2 * r) * (w + 2 * r)))


@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7, 0.9])
def test_the_radius_gives_the_overlap_asked_for(overlap, rng):
    for h, w in rng.uniform(1, 50, (20, 2)):
        r = gaussian_radius(h, w, overlap)
        assert worst_overlap(h, w, r) == pytest.approx(overlap, rel=1e-9)


def certain(maps):
    """Outputs that say just what the maps say."""
    p = np.clip(maps["heatmap"].array.astype(np.float64), 1e-6, 1 - 1e-6)
    return {**maps, "heatmap": mg.tensor(np.log(p / (1 - p)))}


def test_what_is_encoded_is_decoded():
    _, targets = data.roads(30, seed=8)
    maps = encode(targets, 2, (16, 24), 4)
    found = decode(certain(maps), 4, threshold=0.9)
    for there, read, centres in zip(targets, found, maps["centre"].array, strict=True):
        assert len(read["boxes"]) <= len(there["boxes"])
        if centres.sum() == len(there["boxes"]):
            key = sorted(map(tuple, there["boxes"].tolist()))
            # two centres of one class side by side are one peak, so what is read is a part of what is there
            for box in read["boxes"].tolist():
                assert min(np.abs(np.array(box) - k).max() for k in key) < 1e-3
    assert average_precision(found, targets)["AP"] > 0.9


def test_focal_loss_is_its_formula(rng):
    logits, y = rng.normal(size=(2, 3, 4, 5)), rng.uniform(0, 0.9, (2, 3, 4, 5))
    y[0, 1, 2, 3] = y[1, 0, 0, 0] = 1
    p = 1 / (1 + np.exp(-logits))
    losses = np.where(y == 1, (1 - p) ** 2 * np.log(p), (1 - y) ** 4 * p**2 * np.log(1 - p))
    assert focal_loss(mg.tensor(logits), mg.tensor(y)).item() == pytest.approx(-losses.sum() / 2, rel=1e-12)
    assert mg.gradcheck(lambda t: focal_loss(t, mg.tensor(y)), mg.tensor(logits, requires_grad=True))


def test_an_image_without_objects_has_a_finite_loss():
    none = {"boxes": mg.zeros(0, 4), "labels": mg.zeros(0).long()}
    net = models.Detector(2, depth=8, width=4)
    loss = net.loss(mg.rand(1, 3, 32, 32), [none])
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(np.isfinite(p.grad.array).all() for p in net.parameters())


def test_boxes_outside_the_image():
    targets = [{"boxes": mg.tensor([[-8.0, -8.0, 8.0, 8.0], [100.0, 0.0, 120.0, 9.0]]), "labels": mg.tensor([0, 1])}]
    maps = encode(targets, 2, (16, 16), 4)
    assert maps["centre"].array.sum() == 1
    assert decode(certain(maps), 4, 0.9)[0]["boxes"].tolist() == [[0.0, 0.0, 8.0, 8.0]]
    with pytest.raises(ValueError, match="left < right"):
        encode([{"boxes": mg.tensor([[5.0, 0.0, 5.0, 4.0]]), "labels": mg.tensor([0])}], 2, (8, 8), 4)
    with pytest.raises(ValueError, match="labels go from 2 to 2"):
        encode([{"boxes": mg.tensor([[0.0, 0.0, 5.0, 4.0]]), "labels": mg.tensor([2])}], 2, (8, 8), 4)


def test_the_backbone_has_fifty_layers_or_more_and_the_twins_lack_their_skips():
    x = mg.randn(1, 3, 32, 32)

    def joins(**settings):
        loss = detection_loss(models.Detector(2, **settings)(x), encode([TARGET], 2, (8, 8), 4))
        return sum(type(step.node).__name__ == "ResidualAdd" for step in mg.backward_steps(loss))

    assert joins() == 27 + 1
    assert joins(residual=False) == 1
    assert joins(residual=False, top_down=False) == 0


TARGET = {"boxes": mg.tensor([[4.0, 4.0, 20.0, 24.0]]), "labels": mg.tensor([1])}


@pytest.mark.parametrize("size", [(33, 47), (32, 36)])
def test_odd_sizes(size):
    net = models.Detector(2, depth=8, width=4)
    assert net(mg.zeros(1, 3, *size))["size"].shape == (1, 2, *(-(-n // 4) for n in size))


def test_it_fits_two_scenes():
    images, targets = data.roads(8, seed=5)
    pick = [i for i, t in enumerate(targets) if len(t["boxes"])][:2]
    x, given = images[pick], [targets[i] for i in pick]
    net = models.Detector(2, depth=14, width=8)
    losses = fit(net.parameters(), lambda: net.loss(x, given), 80)
    assert losses[-1] < 0.2 * losses[0]
    assert average_precision(net.detect(x), given)["AP50"] > 0.6
