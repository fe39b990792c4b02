"""Nuclei: the whole of them where stardist is installed; else a message that says how to get them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from minigrad.data import nuclei


def test_bad_input():
    with pytest.raises(ValueError, match="size is 64 or 128"):
        nuclei(size=100)


@pytest.mark.skipif(find_spec("stardist") is not None, reason="stardist is installed")
def test_without_stardist_it_says_what_to_install():
    with pytest.raises(FileNotFoundError, match="pip install --no-deps stardist"):
        nuclei()


@pytest.mark.skipif(find_spec("stardist") is None, reason="stardist is not installed")
def test_tiles():
    images, targets = nuclei()
    assert images.shape == (16, 1, 128, 128)
    assert sum(len(t["boxes"]) for t in targets) >= 125
    assert len(nuclei("train")[0]) == 12
    assert len(nuclei("test", 64)[0]) == 16
    for target in targets:
        for box, mask in zip(target["boxes"].array, target["masks"].array, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
