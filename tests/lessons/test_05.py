"""Lesson 5: 97 % of the test digits at every seed; and a rate may be too low or too high."""

import functools

import numpy as np
import pytest

from . import scripts

lesson = scripts.lesson("05")

SEEDS = range(5)
train = functools.cache(lesson.train)


@pytest.mark.parametrize("seed", SEEDS)
def test_reaches_97_percent(seed):
    # The number. Ten seeds gave 352 to 355 of 360, so two images or more to spare (their spread is one image).
    net, curve = train(seed)
    table = lesson.confusion(net)
    assert table.sum() == 360
    assert table.trace() / 360 >= 0.97
    assert 1 < curve[0, 0] < np.log(10)  # the mean over the first epoch; measured: 1.60 to 1.68
    assert curve[-1, 0] < 0.01  # measured: 0.0006 to 0.0009
    assert curve[-1, 1] > 10 * curve[-1, 0]  # measured: a factor of 100 and more; the test loss stops falling earlier


def test_an_untrained_net_guesses():
    # Seeds 0 to 4 gave 2.29 to 2.32.
    for seed in SEEDS:
        lesson.mg.manual_seed(seed)
        assert lesson.F.cross_entropy(*lesson.on_test(lesson.mlp())).item() == pytest.approx(np.log(10), abs=0.1)


def test_the_confusion_matrix_counts_every_image_once():
    net, _ = train(0)
    table = lesson.confusion(net)
    logits, true = lesson.on_test(net)
    assert table.trace() == (logits.argmax(1) == true).sum().item()
    np.testing.assert_array_equal(table.sum(1), np.bincount(true.array, minlength=10))


def test_rates_too_low_and_too_high():
    # The training loss of the tenth epoch over six seeds: 2.28 to 2.29 at the lowest rate, 2.36 to 2.39 at the highest,
    # and at the best, which was 0.03 or 0.1, 0.03 to 0.08. The medians of five seeds are held to what is far from both.
    losses = np.median([lesson.rate_sweep(seed)[:, 0] for seed in SEEDS], axis=0)
    assert losses[0] > 2
    assert losses[-1] > 2
    assert losses.min() < 0.15
    assert 0.01 <= lesson.RATES[int(losses.argmin())] <= 0.3
