"""Dice and edge errors on cases that can be counted by hand, and against sets."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.metrics import dice, edge_error, edges


def test_dice_is_that_of_sets(rng):
    a, b = rng.integers(0, 3, (2, 4, 5, 5))
    for k, found in enumerate(dice(mg.from_numpy(a), mg.from_numpy(b), 3)):
        assert found == pytest.approx(2 * ((a == k) & (b == k)).sum() / ((a == k).sum() + (b == k).sum()))


def test_edges_and_their_errors():
    labels = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]])
    assert edges(labels).astype(int).tolist() == [[0, 0, 1, 1]] * 3
    predicted = labels.copy()
    predicted[0, 2] = predicted[0, 0] = 1  # one wrong at the edge, one elsewhere
    assert edge_error(predicted, labels) == pytest.approx(1 / 6)
    assert np.isnan(edge_error(labels * 0, labels * 0))


def test_bad_input():
    with pytest.raises(ValueError, match="labels go from 0 to 3"):
        dice(np.zeros(4, int), np.arange(4), 3)
    with pytest.raises(ValueError, match="shape"):
        dice(np.zeros(4, int), np.zeros(3, int), 3)
    assert np.isnan(dice(np.zeros(2, int), np.zeros(2, int), 2)[1])
