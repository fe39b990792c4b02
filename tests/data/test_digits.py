"""The digits that come with the package: they are the published ones, in the published order."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from minigrad.data import digits, digits_arrays


def test_values_are_the_published_ones():
    images, labels = digits_arrays()
    content = images.tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest() == ("87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826")


def test_values_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    images, labels = digits_arrays()
    np.testing.assert_array_equal(images[:, 0], theirs.images)
    np.testing.assert_array_equal(labels, theirs.target)


def test_tensors():
    images, labels = digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    assert (images.array.min(), images.array.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(images.array * 16, digits_arrays()[0])
    assert not images.requires_grad


@pytest.mark.parametrize(("split", "size"), [("train", 1437), ("test", 360)])
def test_of_every_fifty_images_the_first_ten_are_for_testing(split, size):
    images, labels = digits()
    some_images, some_labels = digits(split)
    part = [i for i in range(1797) if (i % 50 < 10) == (split == "test")]
    assert len(part) == size
    np.testing.assert_array_equal(some_images.array, images.array[part])
    np.testing.assert_array_equal(some_labels.array, labels.array[part])


def test_flatten_keeps_the_pixels_in_order():
    images, _ = digits("test")
    rows, _ = digits("test", flatten=True)
    assert rows.shape == (360, 64)
    np.testing.assert_array_equal(rows.array.reshape(images.shape), images.array)


def test_each_call_gives_arrays_of_its_own():
    images, labels = digits()
    images.array[:] = 7
    labels.array[:] = 7
    assert digits()[0].array.max() == 1.0
    assert len(set(digits()[1].tolist())) == 10


def test_every_digit_is_in_both_parts():
    for split in ("train", "test"):
        assert np.bincount(digits_arrays(split)[1], minlength=10).min() > 25


def test_unknown_split():
    with pytest.raises(ValueError, match="'all' or 'train' or 'test', and is 'valid'"):
        digits("valid")


def test_the_licence_is_beside_the_data():
    text = files("minigrad.data").joinpath("DIGITS_LICENSE.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "Alpaydin" in text
