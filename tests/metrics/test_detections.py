"""Average precision: cases by hand, and COCO's own evaluation where it is installed."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

import minigrad as mg
from minigrad.metrics import average_precision


def image(boxes, labels, scores=None):
    found = {"boxes": mg.tensor(np.array(boxes, np.float32).reshape(-1, 4)), "labels": mg.tensor(labels).long()}
    return found if scores is None else {**found, "scores": mg.tensor(scores)}


def test_all_found_none_found_and_no_object():
    box = [[0, 0, 10, 10]]
    assert average_precision([image(box, [0], [0.9])], [image(box, [0])])["AP"] == 1
    assert average_precision([image([], [], [])], [image(box, [0])])["AP"] == 0
    assert np.isnan(average_precision([image(box, [0], [0.9])], [image([], [])])["AP"])
    assert average_precision([image(box, [1], [0.9])], [image(box, [0])])["AP"] == 0


def test_half_found_and_a_twin_is_a_false_alarm():
    true = image([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 0])
    found = image([[0, 0, 10, 10], [0, 0, 10, 10]], [0, 0], [0.9, 0.8])
    assert average_precision([found], [true])["AP50"] == pytest.approx(51 / 101)  # recalls 0 to .5 at precision 1


def random_scenes(rng, count=12):
    targets, predictions = [], []
    for _ in range(count):
        n = rng.integers(0, 6)
        corner = rng.uniform(0, 60, (n, 2))
        boxes = np.concatenate((corner, corner + rng.uniform(8, 40, (n, 2))), 1)
        labels = rng.integers(0, 3, n)
        targets.append(image(boxes, labels))
        near = boxes + rng.uniform(-3, 3, boxes.shape)  # (a box turned inside out is none)
        wrong = rng.uniform(0, 60, (3, 2))
        extra = np.concatenate((wrong, wrong + rng.uniform(8, 40, (3, 2))), 1)
        all_labels = np.concatenate((np.where(rng.random(n) < 0.8, labels, 2 - labels), rng.integers(0, 3, 3)))
        all_boxes = np.concatenate((near, near[:1] + 1, extra))
        all_labels = np.concatenate((all_labels[:n], labels[:1], all_labels[n:]))
        predictions.append(image(all_boxes, all_labels, rng.random(len(all_labels)).round(1)))  # with ties
    return predictions, targets


@pytest.mark.parametrize("seed", range(5))
def test_as_cocos_own(seed):
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    predictions, targets = random_scenes(np.random.default_rng(seed))
    truth, results = coco.COCO(), []
    annotations = []
    for i, (found, there) in enumerate(zip(predictions, targets, strict=True)):
        for box, label in zip(there["boxes"].array.astype(float), there["labels"].tolist(), strict=True):
            w, h = box[2:] - box[:2]
            annotations.append({"id": len(annotations) + 1, "image_id": i, "category_id": label, "iscrowd": 0,
                                "area": w * h, "bbox": [box[0], box[1], w, h]})  # fmt: skip
        scored = zip(
            found["boxes"].array.astype(float), found["labels"].tolist(), found["scores"].tolist(), strict=True
        )
        for box, label, score in scored:
            xywh = [box[0], box[1], *(box[2:] - box[:2])]
            results.append({"image_id": i, "category_id": label, "score": score, "bbox": xywh})
    truth.dataset = {"images": [{"id": i} for i in range(len(targets))], "categories": [{"id": k} for k in range(3)],
                     "annotations": annotations}  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = average_precision(predictions, targets)
    np.testing.assert_allclose([ours["AP"], ours["AP50"], ours["AP75"]], evaluation.stats[:3], rtol=1e-9)


def test_bad_input():
    with pytest.raises(ValueError, match="1 predictions for 2 images"):
        average_precision([image([], [], [])], [image([], []), image([], [])])
