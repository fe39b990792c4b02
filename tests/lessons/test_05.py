"""Lesson 5: 97 % of the test digits at every seed; and a rate may be too low or too high."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "lessons" / "05_training.py"
spec = importlib.util.spec_from_file_location("lesson_05", PATH)
lesson = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lesson)

SEEDS = range(5)
train = functools.cache(lesson.train)


@pytest.mark.parametrize("seed", SEEDS)
def test_reaches_97_percent(seed):
    # The number. Seeds 0 to 4 gave 98.1 to 98.3 %, so four images of 360 or more to spare.
    net, curve = train(seed)
    read, true = lesson.predictions(net)
    assert len(true) == 360
    assert (read == true).mean() >= 0.97
    assert curve[0, 0] == pytest.approx(np.log(10), abs=0.1)  # before training the net guesses
    assert curve[-1, 0] < 0.01  # measured: 0.0006 to 0.0008
    assert curve[-1, 1] > 10 * curve[-1, 0]  # measured: a factor above 100; the test loss stops falling earlier


def test_the_confusion_matrix_counts_every_image_once():
    net, _ = train(0)
    table = lesson.confusion(net)
    read, true = lesson.predictions(net)
    assert table.sum() == 360
    assert table.trace() == (read == true).sum()
    np.testing.assert_array_equal(table.sum(1), np.bincount(true, minlength=10))


def test_rates_too_low_and_too_high():
    # Measured at seed 0, in ten epochs: 2.27 at the lowest rate, 2.38 at the highest, 0.04 at the best, 0.03.
    # The medians over five seeds are held to what is far from both.
    losses = np.median([lesson.rate_sweep(seed)[:, 0] for seed in SEEDS], axis=0)
    assert losses[0] > 1
    assert losses[-1] > 1
    assert losses.min() < 0.15
    assert 0.01 <= lesson.RATES[int(losses.argmin())] <= 0.3
