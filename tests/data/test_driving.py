"""Driving scenes: exact boxes and masks, the same scene for the same seed, perspective and the road's bend."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.data import roads


def test_boxes_are_those_of_what_is_visible():
    images, targets = roads(40, seed=2)
    assert images.shape == (40, 3, 64, 96)
    assert 0 <= images.array.min() <= images.array.max() <= 1
    count = 0
    for target in targets:
        masks = target["masks"].array
        assert len(masks) == len(target["labels"]) == len(target["boxes"])
        assert masks.sum(0).max(initial=0) <= 1  # a pixel shows one vehicle
        assert not (masks.any(0) & target["road"].array).any()
        for box, mask in zip(target["boxes"].array, masks, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            count += 1
    assert count > 40
    assert any(len(t["boxes"]) == 0 for t in targets)  # and scenes without any object


def test_a_scene_depends_on_seed_and_place_alone():
    few, many = roads(2, seed=5)[0], roads(4, seed=5)[0]
    assert few.array.tobytes() == many.array[:2].tobytes()
    assert many.array[0].tobytes() != roads(1, seed=6)[0].array[0].tobytes()


def test_lower_vehicles_are_larger():
    _, targets = roads(120, seed=1)
    boxes = np.concatenate([t["boxes"].array[t["labels"].array == 0] for t in targets])
    widths = boxes[:, 2] - boxes[:, 0]
    assert np.corrcoef(boxes[:, 3], widths)[0, 1] > 0.8


def test_the_road_goes_where_the_angle_says():
    _, targets = roads(60, seed=4)
    empty = [t for t in targets if not len(t["boxes"])]  # in these no vehicle hides the road
    far = [np.nonzero(t["road"].array[28])[0].mean() - np.nonzero(t["road"].array[60])[0].mean() for t in empty]
    angles = [t["angle"].item() for t in empty]
    assert len(empty) >= 5
    assert np.corrcoef(far, angles)[0, 1] > 0.9


def test_none_and_bad_input():
    assert roads(0)[0].shape == (0, 3, 64, 96)
    with pytest.raises(ValueError, match="size must be integers of at least 32"):
        roads(1, size=(8, 8))
