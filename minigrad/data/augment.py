"""Flips and crops that move boxes and masks along with the image.

A *target* is what a data set of scenes gives beside an image: a dictionary in which ``boxes`` are moved and cut,
``labels`` and ``masks`` go with their boxes, any other array of the image's height and width (a segmentation, a
road) is moved as the image is, ``angle`` changes its sign in a flip, and the rest stays. For a net that sorts whole
images there is no target: ``random_crop(x, (32, 32), padding=4)`` and ``random_hflip(x)`` are the usual pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.tensor import Tensor, from_array

Target = dict[str, Tensor]
_PARTS = ("boxes", "labels", "masks")


def hflip(image: Tensor, target: Target | None = None) -> Any:
    """Mirror an image left to right, and what is known of it.

    Parameters
    ----------
    image
        Of shape (..., height, width).
    target
        What stands in the image, or None.

    Returns
    -------
    Tensor, or (Tensor, dict)
        The image; with its target, if one was given. Neither is changed in place.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.data import hflip
    >>> _, target = hflip(mg.zeros(1, 4, 10), {"boxes": mg.tensor([[1.0, 0.0, 3.0, 2.0]])})
    >>> target["boxes"].tolist()
    [[7.0, 0.0, 9.0, 2.0]]
    """
    _check("hflip", image, target)
    flipped = _mirror(image)
    if target is None:
        return flipped
    width = image.shape[-1]
    moved = {name: _mirror(x) if _is_map(x, image) else x for name, x in target.items()}
    if "boxes" in target:
        boxes = _boxes_of(target)
        moved["boxes"] = from_array(np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1))
    if "angle" in target:
        moved["angle"] = from_array(np.asarray(-target["angle"].array))
    return flipped, moved


def crop(
    image: Tensor,
    top: int,
    left: int,
    height: int,
    width: int,
    target: Target | None = None,
    min_visible: float = 0.25,
) -> Any:
    """Cut a window out of an image, zeros where it reaches beyond, and move what is known of it.

    Parameters
    ----------
    image
        Of shape (..., H, W).
    top, left
        Where the window begins; may be negative.
    height, width
        Its size.
    target
        What stands in the image, or None. Boxes are cut at the window's edges.
    min_visible
        A box goes, with its label and mask, if less than this part of its area is left.

    Returns
    -------
    Tensor, or (Tensor, dict)
        The window; with its target, if one was given.

    Raises
    ------
    ValueError
        For a window without pixels.
    """
    _check("crop", image, target)
    sides = {"top": top, "left": left}
    top, left = (arguments.integer("crop", name, value) for name, value in sides.items())
    sides = {"height": height, "width": width}
    height, width = (arguments.integer("crop", name, value, least=1) for name, value in sides.items())
    min_visible = arguments.number("crop", "min_visible", min_visible, 0, 1)
    window = (top, left, height, width)
    arguments.room("crop", (*image.shape[:-2], height, width), image.dtype)
    cut = _window(image, *window)
    if target is None:
        return cut
    moved = {name: _window(x, *window) if _is_map(x, image) else x for name, x in target.items()}
    if "boxes" in target:
        boxes = _boxes_of(target)
        inside = np.clip(boxes - (left, top, left, top), 0, (width, height, width, height))
        before, after = (np.maximum(b[:, 2:] - b[:, :2], 0).prod(1) for b in (boxes, inside))
        kept = (after > 0) & (after >= min_visible * before)
        moved["boxes"] = from_array(inside.astype(boxes.dtype)[kept])
        for name in _PARTS[1:]:
            if name in moved:
                moved[name] = from_array(moved[name].array[kept])
    return cut, moved


def random_hflip(
    image: Tensor, target: Target | None = None, p: float = 0.5, generator: Generator | None = None
) -> Any:
    """Mirror an image with probability ``p``; see :func:`hflip`."""
    _check("random_hflip", image, target)
    if numpy_generator(generator).random() < arguments.number("random_hflip", "p", p, 0, 1):
        return hflip(image, target)
    return image if target is None else (image, target)


def random_crop(
    image: Tensor,
    size: tuple[int, int],
    padding: int = 0,
    target: Target | None = None,
    generator: Generator | None = None,
) -> Any:
    """Cut a window at a random place, after ``padding`` zeros on every side; see :func:`crop`.

    Raises
    ------
    ValueError
        If the window is larger than the padded image.
    """
    _check("random_crop", image, target)
    size = arguments.integers("random_crop", "size", size, (2,), least=1)
    padding = arguments.integer("random_crop", "padding", padding, least=0)
    arguments.room("random_crop", [n + 2 * padding for n in image.shape[-2:]], image.dtype)
    rooms = [n + 2 * padding - m for n, m in zip(image.shape[-2:], size, strict=True)]
    if min(rooms) < 0:
        raise ValueError(
            f"random_crop: a window of {size} doesn't fit an image of {tuple(image.shape[-2:])} padded by {padding}"
        )
    top, left = (int(numpy_generator(generator).integers(0, room + 1)) - padding for room in rooms)
    return crop(image, top, left, *size, target=target)


def _check(operation: str, image: Any, target: Any) -> None:
    """Look at an image and its target."""
    if not isinstance(image, Tensor) or image.ndim < 2:
        raise arguments.wrong_kind(operation, "image", "a tensor of shape (..., height, width)", image)
    if target is not None and not isinstance(target, dict):
        raise arguments.wrong_kind(operation, "target", "a dictionary of tensors, or None", target)
    known: dict[str, Any] = target or {}
    for name, x in known.items():
        if not isinstance(x, Tensor):
            raise arguments.wrong_kind(operation, f"target[{name!r}]", "a tensor", x)
        if name == "angle" and x.array.dtype.kind != "f":
            raise arguments.wrong_value(operation, "target['angle']", "a tensor of floats", x)
        if name in _PARTS[1:] and "boxes" in known and x.shape[:1] != _boxes_of(known).shape[:1]:
            raise arguments.wrong_value(operation, f"target[{name!r}]", "one for each of the boxes", x)


def _is_map(x: Tensor, image: Tensor) -> bool:
    """Whether something in a target has the image's height and width."""
    return x.ndim >= 2 and x.shape[-2:] == image.shape[-2:]


def _boxes_of(target: Target) -> Any:
    boxes = target["boxes"].array
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"a target's boxes have shape (K, 4): left, top, right, bottom; these have {boxes.shape}")
    return boxes


def _mirror(x: Tensor) -> Tensor:
    return from_array(np.ascontiguousarray(x.array[..., ::-1]))


def _window(x: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A window of the last two axes, zeros where it reaches beyond."""
    y = np.zeros((*x.shape[:-2], height, width), x.array.dtype)
    h, w = x.shape[-2:]
    rows = slice(max(top, 0), max(min(top + height, h), 0))
    columns = slice(max(left, 0), max(min(left + width, w), 0))
    part = x.array[..., rows, columns]
    if part.size:
        at, beside = rows.start - top, columns.start - left
        y[..., at : at + part.shape[-2], beside : beside + part.shape[-1]] = part
    return from_array(y)
