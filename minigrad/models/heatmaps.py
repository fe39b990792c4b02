"""Objects as points: what the detector is to learn, how errors count, how boxes are read off (Zhou et al., 2019).

Each object is one peak in its class's heatmap, at the pixel of its centre. Around a peak, centres that would still give
a good box are punished less: the peak is a Gaussian whose radius is how far a corner may move until the overlap
falls to 0.7. Two more maps say at each centre where in its pixel it is (offset) and how large the box is (size).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad.engine.mode import no_grad
from minigrad.ops.elementwise import abs as absolute
from minigrad.ops.elementwise import sigmoid
from minigrad.tensors.tensor import Tensor, from_array

Maps = dict[str, Tensor]


def gaussian_radius(height: float, width: float, overlap: float = 0.7) -> float:
    """How far both corners of a box may move so that it still overlaps the true one by ``overlap``, in the worst case.

    Three cases: the box moves as it is; it shrinks; it grows. Each asks for a root of a quadratic in the radius r:
    ``(h - r)(w - r) = 2m/(1+m) hw``, ``(h - 2r)(w - 2r) = m hw``, ``hw = m (h + 2r)(w + 2r)``. (The roots published
    with CenterNet take the wrong sign and divisor in places; these are solved anew, and tested to give the overlap.)
    """
    total, area = height + width, height * width
    moved = (total - sqrt(total**2 - 4 * area * (1 - overlap) / (1 + overlap))) / 2
    smaller = (2 * total - sqrt(4 * total**2 - 16 * (1 - overlap) * area)) / 8
    b = 2 * overlap * total
    larger = (-b + sqrt(b**2 + 16 * overlap * (1 - overlap) * area)) / (8 * overlap)
    return min(moved, smaller, larger)


def encode(targets: Sequence[dict[str, Any]], num_classes: int, size: tuple[int, int], stride: int) -> Maps:
    """Draw the maps that a detector is to give for these targets.

    Parameters
    ----------
    targets
        One dictionary an image: ``boxes`` (K, 4) in the image's pixels, and ``labels`` (K,).
    num_classes
        How many heatmaps there are.
    size
        Height and width of the maps.
    stride
        How many of the image's pixels one of theirs is.

    Returns
    -------
    dict
        ``heatmap`` (N, num_classes, h, w); ``offset`` and ``size`` (N, 2, h, w), x first, in the maps' pixels;
        ``centre`` (N, 1, h, w), 1 where an object's centre is. Where two centres share a pixel the smaller box has it.

    Raises
    ------
    ValueError
        For a label out of range, or a box without area. A box that reaches beyond the image is cut at its edge, and
        one that is wholly outside is left out.
    """
    height, width = size
    count = len(targets)
    heat = np.zeros((count, num_classes, height, width), np.float32)
    offset, extent = (np.zeros((count, 2, height, width), np.float32) for _ in range(2))
    centre = np.zeros((count, 1, height, width), np.float32)
    ys, xs = np.ogrid[:height, :width]
    for n, target in enumerate(targets):
        boxes = np.asarray(target["boxes"].array, np.float64).reshape(-1, 4) / stride
        labels = np.asarray(target["labels"].array)
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"image {n}: labels go from {labels.min()} to {labels.max()}, classes from 0 to {num_classes - 1}"
            )
        if (boxes[:, 2:] <= boxes[:, :2]).any():
            raise ValueError(f"image {n}: a box is (left, top, right, bottom) with left < right and top < bottom")
        boxes = np.clip(boxes, 0, (width, height, width, height))
        sides = boxes[:, 2:] - boxes[:, :2]
        for k in np.argsort(-sides.prod(1), kind="stable"):  # large ones first: a small one is drawn over them
            w, h = sides[k]
            if w <= 0 or h <= 0:
                continue
            middle = (boxes[k, :2] + boxes[k, 2:]) / 2
            x, y = np.minimum(middle.astype(int), (width - 1, height - 1))
            sigma = (2 * int(gaussian_radius(h, w)) + 1) / 6
            peak = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * sigma**2))
            plane = heat[n, labels[k]]
            np.maximum(plane, peak.astype(np.float32), out=plane)
            offset[n, :, y, x] = middle - (x, y)
            extent[n, :, y, x] = w, h
            centre[n, 0, y, x] = 1
    maps = {"heatmap": heat, "offset": offset, "size": extent, "centre": centre}
    return {name: from_array(array) for name, array in maps.items()}


def focal_loss(logits: Tensor, heatmap: Tensor) -> Tensor:
    """The penalty-reduced focal loss of heatmaps, powers 2 and 4, divided by the number of peaks.

    At a peak ``-(1-p)^2 log p``, elsewhere ``-(1-y)^4 p^2 log(1-p)``. Without any peak the second part alone counts.
    """
    p = sigmoid(logits)
    peak = (heatmap.array == 1).astype(heatmap.array.dtype)
    elsewhere = (1 - heatmap.array) ** 4
    found = from_array(peak) * (1 - p) ** 2 * F.logsigmoid(logits)
    spared = from_array(elsewhere) * p**2 * F.logsigmoid(-logits)
    loss: Tensor = -(found + spared).sum() / max(float(peak.sum()), 1.0)
    return loss


def detection_loss(outputs: Maps, maps: Maps) -> Tensor:
    """Heatmap + offset + 0.1 size: focal loss, and mean absolute errors at the centres."""
    count = max(float(maps["centre"].array.sum()), 1.0)
    loss = focal_loss(outputs["heatmap"], maps["heatmap"])
    for name, weight in (("offset", 1.0), ("size", 0.1)):
        error: Tensor = absolute(outputs[name] - maps[name]) * maps["centre"]
        loss = loss + error.sum() * (weight / count)
    return loss


@no_grad()
def decode(outputs: Maps, stride: int, threshold: float = 0.1, most: int = 100) -> list[dict[str, Tensor]]:
    """Read boxes off the maps: a peak is a pixel that no neighbour in its heatmap exceeds, which a 3x3 max-pool finds.

    Parameters
    ----------
    outputs
        ``heatmap`` (logits), ``offset`` and ``size``.
    stride
        How many of the image's pixels one of the maps' is.
    threshold
        Peaks below are left out.
    most
        At most so many an image, those of the highest scores.

    Returns
    -------
    list of dict
        One an image: ``boxes`` (K, 4), cut at the image's edge, ``scores`` (K,), falling, ``labels`` (K,).
    """
    scores = sigmoid(outputs["heatmap"])
    peaks = np.where(F.max_pool2d(scores, 3, 1, 1).array == scores.array, scores.array, 0)
    height, width = peaks.shape[-2:]
    found = []
    for n, flat in enumerate(peaks.reshape(len(peaks), -1)):
        order = np.argsort(-flat, kind="stable")[:most]
        order = order[flat[order] > threshold]
        label, place = np.divmod(order, height * width)
        y, x = np.divmod(place, width)
        centre = np.stack((x, y), 1) + outputs["offset"].array[n][:, y, x].T
        half = np.maximum(outputs["size"].array[n][:, y, x].T, 0) / 2
        boxes = np.clip(np.concatenate((centre - half, centre + half), 1), 0, (width, height, width, height)) * stride
        found.append(
            {
                "boxes": from_array(boxes.astype(np.float32)),
                "scores": from_array(flat[order]),
                "labels": from_array(label.astype(np.int64)),
            }
        )
    return found
