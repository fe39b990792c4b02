"""Flips and crops: what the moved masks mark is what the moved boxes enclose; bad windows say so."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import crop, hflip, random_crop, random_hflip, roads


@pytest.fixture(scope="module")
def scenes():
    images, targets = roads(12, seed=3)
    return list(zip(images, targets, strict=True))


def enclosing(mask):
    ys, xs = np.nonzero(mask)
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def test_a_flip_moves_everything_and_twice_is_nothing(scenes):
    for image, target in scenes:
        flipped, moved = hflip(image, target)
        for box, mask in zip(moved["boxes"].array, moved["masks"].array, strict=True):
            assert box.tolist() == enclosing(mask)
        assert moved["angle"].item() == -target["angle"].item()
        np.testing.assert_array_equal(moved["road"].array, target["road"].array[:, ::-1])
        back, again = hflip(flipped, moved)
        assert back.array.tobytes() == image.array.tobytes()
        for name, value in target.items():
            np.testing.assert_array_equal(again[name].array, value.array)


def test_a_crop_cuts_boxes_as_it_cuts_masks(scenes):
    for image, target in scenes:
        cut, moved = crop(image, 10, -8, 60, 70, target, min_visible=0)
        assert cut.shape == (3, 60, 70)
        assert (cut.array[:, :, :8] == 0).all()
        assert (cut.array[:, 54:] == 0).all()
        assert len(moved["boxes"]) == len(moved["labels"]) == len(moved["masks"])
        for box, mask in zip(moved["boxes"].array, moved["masks"].array, strict=True):
            left, top, right, bottom = enclosing(mask) if mask.any() else box
            assert box[0] <= left
            assert box[1] <= top
            assert box[2] >= right
            assert box[3] >= bottom
        np.testing.assert_array_equal(cut.array[:, :54, 8:], image.array[:, 10:, :62])


def test_what_is_hardly_left_goes():
    image = mg.zeros(1, 10, 10)
    target = {"boxes": mg.tensor([[0.0, 0.0, 4.0, 4.0], [6.0, 6.0, 9.0, 9.0]]), "labels": mg.tensor([3, 5])}
    _, moved = crop(image, 5, 3, 5, 7, target)
    assert moved["labels"].tolist() == [5]
    assert moved["boxes"].tolist() == [[3.0, 1.0, 6.0, 4.0]]
    _, moved = crop(image, 20, 20, 4, 4, target)
    assert moved["boxes"].shape == (0, 4)


def test_the_usual_pair_for_whole_images():
    images = mg.rand(3, 8, 8)
    generator = mg.Generator().manual_seed(1)
    seen = {random_crop(images, (8, 8), padding=2, generator=generator).array.tobytes() for _ in range(60)}
    assert len(seen) > 15  # of 25 places
    flips = [random_hflip(images, generator=generator) is images for _ in range(200)]
    assert 70 < sum(flips) < 130


def test_bad_input():
    with pytest.raises(ValueError, match="height must be an integer of at least 1"):
        crop(mg.zeros(1, 4, 4), 0, 0, 0, 2)
    with pytest.raises(ValueError, match="doesn't fit"):
        random_crop(mg.zeros(1, 4, 4), (8, 8), padding=1)
    with pytest.raises(ValueError, match=r"shape \(K, 4\)"):
        hflip(mg.zeros(1, 4, 4), {"boxes": mg.zeros(4)})
