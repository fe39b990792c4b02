"""Boxes: their area, how much two overlap, and the weeding out of those that mean the same.

Names and meanings are those of ``torchvision.ops``. A box is (left, top, right, bottom).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import number, tensor
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.select import clamp, maximum, minimum


def box_area(boxes: Any) -> Any:
    """The area of each box of an (N, 4) tensor: shape (N,)."""
    boxes = _checked("box_area", "boxes", boxes)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(boxes1: Any, boxes2: Any) -> Any:
    """Intersection over union of every box of one set with every box of another.

    Parameters
    ----------
    boxes1, boxes2
        Of shapes (N, 4) and (M, 4).

    Returns
    -------
    Tensor
        Of shape (N, M), from 0 to 1. Gradients pass through it; 0 / 0, of two boxes without area, is NaN.

    Raises
    ------
    OperationError
        If boxes aren't of shape (N, 4).

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.ops.boxes import box_iou
    >>> box_iou(mg.tensor([[0.0, 0.0, 2.0, 2.0]]), mg.tensor([[0.0, 0.0, 2.0, 1.0], [5.0, 5.0, 6.0, 6.0]])).tolist()
    [[0.5, 0.0]]
    """
    boxes1 = _checked("box_iou", "boxes1", boxes1)
    boxes2 = _checked("box_iou", "boxes2", boxes2)
    first = boxes1.reshape(-1, 1, 4)
    corner = maximum(first[..., :2], boxes2[:, :2])
    sides = clamp(minimum(first[..., 2:], boxes2[:, 2:]) - corner, min=0)
    shared = sides[..., 0] * sides[..., 1]
    return shared / (box_area(boxes1).reshape(-1, 1) + box_area(boxes2) - shared)


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Non-maximum suppression: of boxes that overlap by more than a threshold, keep the one of the highest score.

    Parameters
    ----------
    boxes, scores
        Of shapes (N, 4) and (N,).
    iou_threshold
        A box goes if its intersection over union with a kept one is larger than this.

    Returns
    -------
    Tensor
        int64, the places of the kept boxes, by falling score. No gradient passes.

    Raises
    ------
    OperationError
        If the shapes don't fit.
    """
    corners = array_of(_checked("nms", "boxes", boxes))
    iou_threshold = number("nms", "iou_threshold", iou_threshold)
    order = np.argsort(-array_of(tensor("nms", "scores", scores)), kind="stable")
    if order.shape != corners.shape[:1]:
        raise OperationError(f"nms: {len(corners)} boxes, but scores of shape {array_of(scores).shape}")
    kept: list[int] = []
    with np.errstate(invalid="ignore"):
        overlaps = np.asarray(box_iou(corners, corners))
    for place in order:
        if not (overlaps[place, kept] > iou_threshold).any():
            kept.append(int(place))
    return as_tensor(np.array(kept, np.int64))


def masks_to_boxes(masks: Any) -> Any:
    """The box around what each mask of an (N, H, W) tensor marks: shape (N, 4), of the outermost pixels' *indices*.

    As in torchvision, right and bottom are the last marked column and row, not the places after them.

    Raises
    ------
    OperationError
        For a mask that marks nothing, or a tensor of other dimensions.
    """
    given = array_of(tensor("masks_to_boxes", "masks", masks))
    if given.ndim != 3 or not given.any((1, 2)).all():
        raise OperationError(
            f"masks_to_boxes: masks have shape (N, H, W) and mark at least one pixel each; these: {given.shape}"
        )
    found = [np.nonzero(mask) for mask in given]
    boxes = [(xs.min(), ys.min(), xs.max(), ys.max()) for ys, xs in found]
    return as_tensor(np.array(boxes, np.float32).reshape(-1, 4))


def _checked(function: str, name: str, boxes: Any) -> Any:
    shape = tensor(function, name, boxes).shape
    if len(shape) != 2 or shape[1] != 4:
        raise OperationError(f"{function}: {name} must have shape (N, 4): left, top, right, bottom; it is {shape}")
    return boxes
