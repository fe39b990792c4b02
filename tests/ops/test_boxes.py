"""Boxes: overlaps against the definition, pixel by pixel; nms against a search through all; bad shapes."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.boxes import box_area, box_iou, masks_to_boxes, nms


def some_boxes(rng, n, most=12):
    corners = np.sort(rng.integers(0, most, (n, 2, 2)), axis=1)
    corners[:, 1] += 1
    return corners.reshape(n, 4).astype(np.float32)


def painted(box, most=16):
    plane = np.zeros((most, most), bool)
    left, top, right, bottom = box.astype(int)
    plane[top:bottom, left:right] = True
    return plane


def test_iou_and_area_count_pixels(rng):
    a, b = some_boxes(rng, 7), some_boxes(rng, 5)
    overlaps = box_iou(mg.from_numpy(a), mg.from_numpy(b)).array
    for i, j in np.ndindex(7, 5):
        p, q = painted(a[i]), painted(b[j])
        assert overlaps[i, j] == pytest.approx((p & q).sum() / (p | q).sum(), rel=1e-6)
    np.testing.assert_array_equal(box_area(mg.from_numpy(a)).array, [painted(box).sum() for box in a])


def test_nms_keeps_by_score_what_no_kept_one_covers(rng):
    boxes, scores = some_boxes(rng, 40), rng.random(40).astype(np.float32)
    kept = nms(mg.from_numpy(boxes), mg.from_numpy(scores), 0.4).tolist()
    overlaps = box_iou(mg.from_numpy(boxes), mg.from_numpy(boxes)).array
    assert kept == sorted(kept, key=lambda i: -scores[i])
    for i in range(40):
        better = [k for k in kept if scores[k] > scores[i]]
        assert (i in kept) == (not (overlaps[i, better] > 0.4).any())


def test_nms_of_nothing_and_ties():
    none = nms(mg.zeros(0, 4), mg.zeros(0), 0.5)
    assert none.shape == (0,)
    assert none.dtype == mg.int64
    twice = mg.tensor([[0.0, 0.0, 1.0, 1.0]] * 2)
    assert nms(twice, mg.ones(2), 0.5).tolist() == [0]
    assert nms(twice, mg.ones(2), 1.0).tolist() == [0, 1]  # only what overlaps by *more* goes


def test_masks_to_boxes_gives_indices_as_torchvision():
    mask = mg.zeros(1, 5, 6, dtype=mg.bool)
    mask[0, 1:3, 2:5] = True
    assert masks_to_boxes(mask).tolist() == [[2.0, 1.0, 4.0, 2.0]]


def test_bad_shapes_say_so():
    with pytest.raises(mg.OperationError, match=r"box_iou: boxes2 must have shape \(N, 4\)"):
        box_iou(mg.zeros(2, 4), mg.zeros(4))
    with pytest.raises(mg.OperationError, match="nms: 3 boxes, but scores of shape"):
        nms(mg.zeros(3, 4), mg.zeros(2), 0.5)
    with pytest.raises(mg.OperationError, match="mark at least one pixel"):
        masks_to_boxes(mg.zeros(1, 4, 4))
