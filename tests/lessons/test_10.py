"""What lesson 10 says (C5): what options A, B and C cost, and what the skip alone carries."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import models

from .scripts import lesson

SEEDS = range(5)


def test_projections_cost_little_where_shapes_differ_and_some_percent_everywhere():
    one = lesson("10")
    for depth in (20, 110):
        work = {}
        for option in "ABC":
            net = models.resnet(depth, in_channels=1, shortcut=option)
            work[option] = one.multiply_adds(net, mg.zeros(1, 1, 32, 32))
        assert 1 < work["B"] / work["A"] < 1.01
        assert 1.03 < work["C"] / work["A"] < 1.12


def test_multiply_adds_are_those_of_the_formula():
    net = mg.nn.Sequential(mg.nn.Conv2d(3, 4, 3, stride=2, padding=1), mg.nn.Flatten(), mg.nn.Linear(4 * 16, 5))
    assert lesson("10").multiply_adds(net, mg.zeros(1, 3, 8, 8)) == 3 * 4 * 9 * 16 + 4 * 16 * 5


def test_the_identity_keeps_the_gradients_size_and_projections_do_not():
    """A: 1 but for rounding. C: sqrt(2) a block by He's initialisation, so 2^4.5 in 9 blocks; a factor 3 is allowed."""
    one = lesson("10")
    for seed in SEEDS:
        assert one.carried_by_the_skip(20, "A", seed) == pytest.approx(1, rel=1e-5)
        assert 0.5 < one.carried_by_the_skip(20, "B", seed) < 2
        grown = one.carried_by_the_skip(20, "C", seed)
        assert abs(np.log(grown / 2**4.5)) < np.log(3)


@pytest.mark.slow
def test_at_20_layers_the_identity_does_best():
    """Two epochs, width 4, five seeds: C, a matrix on every skip, is behind A; and all are ahead of no skip."""
    one = lesson("10")
    right = [np.median([one.train(20, option, 2, 4, seed)[0] for seed in SEEDS]) for option in ("A", "C", None)]
    assert right[0] > right[1] > right[2]
