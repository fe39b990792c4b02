"""The brain that comes with the package: its parts, its licence, and how easy it is for a table of intensities."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from minigrad.data import BRAIN_CLASSES, brain, brain_arrays


def by_intensity(**amounts):
    """The part of the test pixels that a table from intensity to its likeliest label gets right."""
    (x, labels), (y, truth) = brain("train", **amounts), brain("test", **amounts)

    def levels(t):
        return np.clip((t.array[:, 0] * 64).astype(int), 0, 95)

    table = np.zeros((96, 3))
    np.add.at(table, (levels(x).ravel(), labels.array.ravel()), 1)
    return (table.argmax(1)[levels(y)] == truth.array).mean()


def test_parts_and_shares():
    images, labels = brain_arrays()
    assert images.shape == (32, 1, 96, 96)
    assert labels.shape == (32, 96, 96)
    shares = np.bincount(labels.ravel()) / labels.size
    assert len(shares) == len(BRAIN_CLASSES)
    assert shares == pytest.approx([0.575, 0.258, 0.166], abs=0.002)
    assert [len(brain(split)[0]) for split in ("all", "train", "test")] == [32, 20, 8]


def test_no_training_slice_is_beside_a_test_slice():
    all_images = [image.tobytes() for image in brain_arrays()[0]]
    places = {split: [all_images.index(i.tobytes()) for i in brain_arrays(split)[0]] for split in ("train", "test")}
    assert min(abs(a - b) for a in places["train"] for b in places["test"]) == 2


def test_it_is_too_easy_as_it_is_and_harder_as_a_scan():
    assert by_intensity(noise=0, bias_field=0, blur=0) > 0.97
    assert 0.84 < by_intensity() < 0.90


def test_as_it_is_and_the_same_seed():
    clean, _ = brain("test", noise=0, bias_field=0, blur=0)
    np.testing.assert_allclose(clean.array, brain_arrays("test")[0] / 239, rtol=1e-6)
    assert brain(seed=3)[0].array.tobytes() == brain(seed=3)[0].array.tobytes()
    np.testing.assert_array_equal(
        brain("test", seed=3)[0].array, brain("all", seed=3)[0].array[[*range(8, 12), *range(20, 24)]]
    )


def test_small_and_with_its_notice():
    folder = files("minigrad.data")
    assert folder.joinpath("brain.npz").stat().st_size < 600_000
    notice = folder.joinpath("BRAIN_LICENSE.txt").read_text(encoding="utf-8")
    assert "Copyright (C) Louis Collins" in notice
    assert "152 people" in notice


def test_bad_input():
    with pytest.raises(ValueError, match="'all' or 'train' or 'test'"):
        brain("validation")
    with pytest.raises(ValueError, match="noise must be a number from 0"):
        brain(noise=-1)
