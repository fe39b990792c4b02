"""Driving scenes, drawn here: a road in perspective, vehicles on it, and exactly known what is where.

Drawn scenes are no photographs: what a net learns here it has learnt about these drawings. But every box, every
mask and the steering angle are exact, and there are as many scenes as one asks for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import arguments
from minigrad.tensors.tensor import Tensor, from_array

Array = npt.NDArray[Any]

#: What the labels of the boxes mean.
ROAD_CLASSES = ("car", "truck")
_HORIZON = 0.38  # of the height
_LANE = 0.42  # half the road's width at the lower edge, of the image's width: the road has two lanes
_SHAPES = {0: (0.62, 0.80), 1: (0.74, 1.45)}  # width as a part of the lane's, height as a part of the width
_SEEN = 0.35  # a vehicle of which less than this is visible has no box


def roads(n: int, seed: int = 0, size: tuple[int, int] = (64, 96)) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Draw driving scenes as a camera behind the windscreen sees them.

    A road with two lanes, edge lines and a dashed middle line bends to the left or to the right; up to five cars
    and trucks stand on it, smaller the farther they are, nearer ones in front of farther ones; trees throw shadows.

    Parameters
    ----------
    n
        How many scenes.
    seed
        Scene i is the same for any ``n``.
    size
        Height and width in pixels.

    Returns
    -------
    images : Tensor
        float32 from 0 to 1, of shape (n, 3, height, width).
    targets : list of dict
        One a scene, with torchvision's keys: ``boxes``, float32 (K, 4): left, top, right, bottom in pixels, of what
        is *visible* of each vehicle; ``labels``, int64 (K,): 0 car, 1 truck; ``masks``, bool (K, height, width).
        Then ``road``, bool (height, width): where one can drive (vehicles are not road); and ``angle``, float32
        scalar: how the road bends, from -1 (left) to 1 (right), which is where to steer.

    Raises
    ------
    ValueError
        For a negative ``n``, or a size below 32 x 32.

    Examples
    --------
    >>> from minigrad import data
    >>> images, targets = data.roads(2, seed=3)
    >>> images.shape, sorted(targets[0])
    ((2, 3, 64, 96), ['angle', 'boxes', 'labels', 'masks', 'road'])
    """
    n = arguments.integer("roads", "n", n, least=0)
    seed = arguments.integer("roads", "seed", seed, least=0)
    size = arguments.integers("roads", "size", size, (2,), least=32)
    arguments.room("roads", (n, 3, *size), np.float32)
    scenes = [_scene(np.random.default_rng((seed, i)), *size) for i in range(n)]
    images = np.stack([image for image, _ in scenes]) if scenes else np.zeros((0, 3, *size), np.float32)
    return from_array(images), [target for _, target in scenes]


def _scene(rng: np.random.Generator, height: int, width: int) -> tuple[Array, dict[str, Tensor]]:
    """One image and its target."""
    top = int(_HORIZON * height)
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    near = np.clip((rows - top) / (height - top), 0, 1)  # 0 at the horizon, 1 at the lower edge
    angle, offset = rng.uniform(-1, 1), rng.uniform(-0.08, 0.08)

    def middle(t: Any) -> Any:
        """Where the middle of the road is, in pixels, at nearness t."""
        return width * (0.5 + offset * t + 0.3 * angle * (1 - t) ** 2)

    across = (columns - middle(near)) / (_LANE * width * np.maximum(near, 1e-3))  # -1 and 1 are the road's edges
    ground = rows > top
    road = ground & (np.abs(across) < 1)
    canvas = np.empty((height, width, 3))
    canvas[:] = _shade(rng, (0.55, 0.70, 0.90)) - 0.15 * (rows / top)[..., None]  # the sky
    canvas[ground] = _shade(rng, (0.35, 0.48, 0.25))
    canvas[ground] += 0.05 * np.sin(30 / np.maximum(near[ground], 0.05))[:, None]  # furrows of the fields
    canvas[road] = _shade(rng, (0.40, 0.40, 0.42))
    lines = np.abs(np.abs(across) - 0.93) < 0.04
    lines |= (np.abs(across) < 0.03) & (np.sin(9 / np.maximum(near, 0.02)) > 0)
    canvas[road & lines] = 0.9
    for _ in range(rng.integers(0, 4)):  # shadows of trees lie across road and fields
        where, thick, slope = rng.uniform(0.1, 1), rng.uniform(0.03, 0.12), rng.uniform(-0.15, 0.15)
        canvas[ground & (np.abs(near - where - slope * (2 * columns / width - 1)) < thick)] *= 0.6
    owner = np.zeros((height, width), np.int64)  # which vehicle is seen at each pixel, from 1
    depths = np.sort(rng.uniform(0.16, 0.9, rng.integers(0, 6)))
    labels, shown = [], []
    for t in depths:  # from far to near, so that what is near covers what is far
        label = int(rng.random() < 0.3)
        lane = rng.choice((-0.5, 0.5)) + rng.uniform(-0.07, 0.07)
        w = _SHAPES[label][0] * _LANE * width * t
        h = w * _SHAPES[label][1] * rng.uniform(0.9, 1.1)
        x, y = middle(t) + lane * _LANE * width * t, top + t * (height - top)
        under = ((columns - x) / (0.6 * w)) ** 2 + ((rows - y) / (0.12 * w)) ** 2 < 1
        canvas[under & ground] *= 0.45
        body = (np.abs(columns - x) < w / 2) & (rows < y) & (rows > y - h)
        if label == 0:  # a car is narrower above
            body &= (np.abs(columns - x) < 0.38 * w) | (rows > y - 0.6 * h)
        labels.append(label)
        owner[body] = len(labels)
        shown.append(max(body.sum(), 1))
        _paint(canvas, rng, body, (columns - x) / w, (y - rows) / h)
    boxes, kept, masks = [], [], []
    for k, label in enumerate(labels, 1):
        mask = owner == k
        if mask.sum() < max(_SEEN * shown[k - 1], 4):
            continue
        ys, xs = np.nonzero(mask)
        boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
        kept.append(label)
        masks.append(mask)
    canvas += 0.03 * rng.standard_normal(canvas.shape)
    target = {
        "boxes": from_array(np.array(boxes, np.float32).reshape(-1, 4)),
        "labels": from_array(np.array(kept, np.int64)),
        "masks": from_array(np.array(masks, bool).reshape(-1, height, width)),
        "road": from_array(road & (owner == 0)),
        "angle": from_array(np.array(angle, np.float32)),
    }
    return np.clip(canvas, 0, 1).astype(np.float32).transpose(2, 0, 1), target


def _shade(rng: np.random.Generator, colour: tuple[float, float, float]) -> Array:
    """A colour, somewhat lighter or darker, somewhat tinted."""
    return np.array(colour) * rng.uniform(0.8, 1.15) + rng.uniform(-0.04, 0.04, 3)


def _paint(canvas: Array, rng: np.random.Generator, body: Array, across: Array, up: Array) -> None:
    """Paint the rear of a vehicle: its colour, the window, two lights and the wheels."""
    canvas[body] = rng.uniform(0.1, 0.9, 3)
    canvas[body & (np.abs(across) < 0.32) & (np.abs(up - 0.75) < 0.14)] = (0.15, 0.18, 0.22)
    canvas[body & (np.abs(np.abs(across) - 0.4) < 0.08) & (np.abs(up - 0.4) < 0.08)] = (0.85, 0.1, 0.1)
    canvas[body & (np.abs(np.abs(across) - 0.38) < 0.1) & (up < 0.15)] = 0.08
