"""What lesson 14 says: deep backbones and their skips, at reduced size."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import data

from .scripts import lesson

SEEDS = range(5)


def test_the_plain_backbones_gradient_explodes_before_training():
    """Measured at 56 layers: 150 to 210 with skips, 16,000 to 22,000 without."""
    one = lesson("14")
    for seed in SEEDS:
        assert one.first_over_last(False, seed) > 5 * one.first_over_last(True, seed)


def test_flips_keep_boxes_on_their_vehicles():
    images, targets = data.roads(6, seed=3)
    flipped, moved = lesson("14").flipped(images, targets, p=1.0)
    for before, after, target, there in zip(images, flipped, targets, moved, strict=True):
        assert (after.array == before.array[..., ::-1]).all()
        np.testing.assert_array_equal(target["boxes"].array[:, [1, 3]], there["boxes"].array[:, [1, 3]])
        np.testing.assert_array_equal(96 - target["boxes"].array[:, [2, 0]], there["boxes"].array[:, [0, 2]])


@pytest.mark.slow
def test_skips_help_a_deep_detector_from_the_start():
    """40 steps of 4 scenes at 50 layers, five seeds: the loss at the end is lower with skips, in the median."""
    one = lesson("14")
    images, targets = data.roads(60, seed=1, size=(32, 48))
    ends = {}
    for residual in (True, False):
        runs = [one.train(images, targets, 40, seed, batch=4, depth=50, residual=residual)[1] for seed in SEEDS]
        ends[residual] = np.array([np.mean(losses[-10:]) for losses in runs])
    assert np.median(ends[True]) < np.median(ends[False])
    assert mg.is_grad_enabled()
