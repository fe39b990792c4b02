"""Nuclei under a fluorescence microscope, each marked: a real image, read from where ``stardist`` installed it.

The image is of the Data Science Bowl 2018, the marks are stardist's (BSD 3-Clause). What licence the image has is
told differently in different places, so it isn't part of this package: ``pip install --no-deps stardist`` brings it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from minigrad.tensors.tensor import Tensor, from_array


def nuclei(split: str = "all", size: int = 128) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Load an image of 125 nuclei, cut into square tiles; stardist must be installed (``pip install --no-deps``).

    Parameters
    ----------
    split
        ``"all"``, ``"train"`` or ``"test"``: the tiles of the lower quarter are for testing.
    size
        The side of a tile in pixels: 64 or 128.

    Returns
    -------
    images : Tensor
        float32 from 0 to 1, of shape (N, 1, size, size); N is 16 for tiles of 128 pixels.
    targets : list of dict
        One a tile, with torchvision's keys: ``boxes``, float32 (K, 4): left, top, right, bottom in pixels; ``labels``,
        int64 (K,), all 0; ``masks``, bool (K, size, size). A nucleus that the cut leaves fewer than 16 pixels of is
        in the image, and not in the target.

    Raises
    ------
    ValueError
        For a split or a size of another kind.
    FileNotFoundError
        If stardist isn't installed.
    """
    if split not in ("all", "train", "test") or size not in (64, 128):
        raise ValueError(f"nuclei({split!r}, {size!r}): split is 'all', 'train' or 'test'; size is 64 or 128")
    spec = find_spec("stardist")
    folders = (
        [Path(place) / "data" / "images" for place in (spec.submodule_search_locations or ()) if place] if spec else []
    )
    folder = next((place for place in folders if (place / "mask2d.tif").is_file()), None)
    if folder is None:
        raise FileNotFoundError("nuclei() reads an image that stardist brings: pip install --no-deps stardist")
    from PIL import Image  # which matplotlib needs, and so is there; only these images need it here

    image, marks = (np.array(Image.open(folder / name)) for name in ("img2d.tif", "mask2d.tif"))
    image = np.clip(image / 235, 0, 1).astype(np.float32)
    last = 512 - 128
    rows = {"all": (0, 512), "train": (0, last), "test": (last, 512)}[split]
    places = [(top, left) for top in range(*rows, size) for left in range(0, 512, size)]
    tiles = [(image[y : y + size, x : x + size], marks[y : y + size, x : x + size]) for y, x in places]
    return from_array(np.stack([tile for tile, _ in tiles])[:, None]), [_target(mark) for _, mark in tiles]


def _target(marks: np.ndarray) -> dict[str, Tensor]:
    """Boxes and masks of what is marked in a tile."""
    masks = [marks == k for k in np.unique(marks) if k and (marks == k).sum() >= 16]
    boxes = []
    for mask in masks:
        ys, xs = np.nonzero(mask)
        boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    return {
        "boxes": from_array(np.array(boxes, np.float32).reshape(-1, 4)),
        "labels": from_array(np.zeros(len(boxes), np.int64)),
        "masks": from_array(np.array(masks, bool).reshape(-1, *marks.shape)),
    }
