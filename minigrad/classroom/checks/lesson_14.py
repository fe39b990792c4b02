"""Checks of lesson 14, detection."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, number, require


def _iou(task: Any) -> None:
    apart = number(task.iou((0, 0, 3, 3), (4, 4, 6, 6)))
    require(apart >= 0, "boxes that lie apart have no negative overlap: sides can't be less than 0")
    require(apart == 0, "two boxes that lie apart overlap by 0; multiplied, two negative sides look like an area")
    found = number(task.iou((0, 0, 4, 2), (2, 0, 6, 2)))
    require(not close(found, 4 / 16), "the union counts what they share once, not twice")
    require(not close(found, 4 / 8), "that divides by one box's area; by the *union*, please")
    require(not close(found, 4), "that is the intersection")
    require(close(found, 4 / 12), IOU)
    require(close(number(task.iou((0, 0, 2, 2), (0, 0, 2, 2))), 1), "a box overlaps itself by 1")


def _flip(task: Any) -> None:
    boxes = np.array([[1.0, 2.0, 4.0, 6.0], [0.0, 0.0, 10.0, 3.0]])
    found = np.asarray(given(task.flip_boxes(boxes.copy(), 10)))
    require(found.shape == (2, 4), f"give an array (2, 4) for two boxes; yours has the shape {found.shape}")
    require(not close(found[0], [9, 2, 6, 6]), "now left is to the right of right")
    require(not close(found[0], [1, 4, 4, 8]), "that mirrors top and bottom")
    require(close(found, [[6, 2, 9, 6], [0, 0, 10, 3]]), FLIP)


def _nms(task: Any) -> None:
    overlaps = [[1.0, 0.6, 0.1, 0.5], [0.6, 1.0, 0.6, 0.0], [0.1, 0.6, 1.0, 0.0], [0.5, 0.0, 0.0, 1.0]]
    scores = [0.7, 0.9, 0.8, 0.6]
    chain = [[1.0, 0.6, 0.1], [0.6, 1.0, 0.6], [0.1, 0.6, 1.0]]
    found = list(given(task.suppress(chain, [0.9, 0.8, 0.7], 0.5)))
    require(found != [0], "a box that was dropped itself drops nobody: look at the *kept* ones only")
    require(found != [0, 1, 2], "nothing was dropped")
    require(found == [0, 2], NMS)
    found = list(given(task.suppress(overlaps, scores, 0.5)))
    require(sorted(found) != [0, 2, 3] and found[:1] == [1], "begin with the surest, not with the first")
    require(found == [1, 3], NMS)
    require(
        list(task.suppress([[1.0, 0.5], [0.5, 1.0]], [0.9, 0.8], 0.5)) == [0, 1], "only *more* than the threshold drops"
    )


def _joins(task: Any) -> None:
    found = number(task.joins)
    require(found != 6, "those are the backbone's; what joins the deep map to the finer one?")
    require(found != 14, "those are the layers; two of them make a block")
    require(found == 7, JOINS)


IOU = "The intersection's sides first: from the larger left to the smaller right. The union is both areas less it."
FLIP = "A point at x goes to width - x. Where does a box's right edge go, and what is it then?"
NMS = "Sort the places by falling score; keep one if it overlaps no kept one by more than the threshold."
JOINS = "trace.steps is a list; each step has a node. Count those for which isinstance(step.node, ...)."

CHECKS = [
    Check("1 intersection over union", _iou, IOU),
    Check("2 mirror the boxes", _flip, FLIP),
    Check("3 non-maximum suppression", _nms, NMS),
    Check("4 count the joins", _joins, JOINS),
]
