"""Average precision of found boxes, as COCO's own evaluation computes it.

Per class and per threshold of overlap: detections of all images, by falling score, each take the free true box
that they overlap most, if the overlap reaches the threshold. Precision, made to fall with recall, is read at 101
recalls and averaged; then over classes, and over the thresholds .50, .55, ... .95.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import arguments
from minigrad.engine.base import array_of
from minigrad.ops.boxes import box_iou

Array = npt.NDArray[Any]

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)


def average_precision(
    predictions: Sequence[dict[str, Any]], targets: Sequence[dict[str, Any]], max_detections: int = 100
) -> dict[str, float]:
    """COCO's average precision, of all sizes of boxes.

    Parameters
    ----------
    predictions
        One dictionary an image: ``boxes`` (K, 4), ``scores`` (K,) and ``labels`` (K,).
    targets
        One dictionary an image: ``boxes`` (M, 4) and ``labels`` (M,).
    max_detections
        At most so many of a class count in an image, those of the highest scores.

    Returns
    -------
    dict
        ``AP`` (the mean over ten thresholds of overlap), ``AP50`` and ``AP75``; NaN where there is no true box.

    Raises
    ------
    ValueError
        If there aren't as many predictions as targets.
    """
    for name, images in (("predictions", predictions), ("targets", targets)):
        if not isinstance(images, (list, tuple)):
            raise arguments.wrong_kind("average_precision", name, "a list of dictionaries, one an image", images)
    max_detections = arguments.integer("average_precision", "max_detections", max_detections, least=1)
    if len(predictions) != len(targets):
        raise ValueError(f"average_precision: {len(predictions)} predictions for {len(targets)} images")
    found = [_arrays("predictions", x, ("boxes", "scores", "labels")) for x in predictions]
    true = [_arrays("targets", x, ("boxes", "labels")) for x in targets]
    classes = np.unique(np.concatenate([x["labels"] for x in true])) if true else ()
    table = np.array([_of_class(found, true, label, max_detections) for label in classes]).reshape(-1, 10)
    if not len(table):
        return {"AP": np.nan, "AP50": np.nan, "AP75": np.nan}
    return {"AP": float(table.mean()), "AP50": float(table[:, 0].mean()), "AP75": float(table[:, 5].mean())}


def _arrays(argument: str, image: Any, names: tuple[str, ...]) -> dict[str, Array]:
    """What is known of one image, as arrays that fit each other."""
    if not isinstance(image, dict) or not set(names) <= image.keys():
        wanted = f"a list of dictionaries with {', '.join(names)}"
        raise arguments.wrong_kind("average_precision", argument, wanted, image)
    arrays = {name: array_of(arguments.tensor("average_precision", name, image[name])) for name in names}
    count = arrays["boxes"].shape[:1]
    for name, array in arrays.items():
        if array.shape != (*count, 4) if name == "boxes" else array.shape != count:
            wanted = "of shape (K, 4)" if name == "boxes" else f"of shape {count}, as there are boxes"
            raise arguments.wrong_value("average_precision", name, wanted, image[name])
    return arrays


def _of_class(found: Any, true: Any, label: int, most: int) -> Array:
    """Average precision of one class at each threshold."""
    scores, hits = [], []
    count = 0
    for detected, there in zip(found, true, strict=True):
        boxes = there["boxes"][there["labels"] == label].astype(np.float64)
        own = detected["labels"] == label
        order = np.argsort(-detected["scores"][own], kind="stable")[:most]
        candidates = detected["boxes"][own][order].astype(np.float64)
        count += len(boxes)
        scores.append(detected["scores"][own][order])
        hits.append(_matched(np.asarray(box_iou(candidates, boxes))))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(hits, axis=1)[:, order]
    return np.array([_area(row, count) for row in right])


def _matched(overlaps: Array) -> Array:
    """For each threshold and each detection, in order: whether it got a true box."""
    hits = np.zeros((len(_THRESHOLDS), len(overlaps)), bool)
    for hit, threshold in zip(hits, _THRESHOLDS, strict=True):
        free = np.ones(overlaps.shape[1], bool)
        for i, row in enumerate(overlaps):
            at_hand = np.where(free, row, -1)
            if at_hand.size and at_hand.max() >= min(threshold, 1 - 1e-10):
                # (of equal ones COCO takes the last)
                free[len(at_hand) - 1 - at_hand[::-1].argmax()] = False
                hit[i] = True
    return hits


def _area(right: Array, count: int) -> float:
    """Precision, made to fall with recall, averaged over 101 recalls."""
    true, false = np.cumsum(right), np.cumsum(~right)
    precision = np.maximum.accumulate((true / np.maximum(true + false, 1))[::-1])[::-1]
    places = np.searchsorted(true / count, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(places, len(precision))].mean())
