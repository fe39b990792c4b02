"""What lesson 8 says: growth by depth (E5), the identity for free (C1), and the depth table (C3, C4, C9)."""

import math

import numpy as np
import pytest

from .scripts import lesson

SEEDS = range(5)


def test_growth_through_ten_blocks():
    """E5 and E8 hold in expectation: ten seeds gave 0.51 to 2.03 of it (scale 1) and 0.92 to 1.19; 4 is allowed."""
    one = lesson("08")
    for kind, expected in (("scale 1", 3**10), ("scale L^-1/2", 1.2**10)):
        found = np.array([one.growth(kind, 10, seed) for seed in SEEDS])
        assert (np.abs(np.log(found / expected)) < math.log(4)).all()
    assert all(one.growth("SkipInit", 10, seed) == 1 for seed in SEEDS)


def test_the_identity_is_free_at_scale_0():
    """SkipInit: exactly 0. Plain after 200 steps, five seeds: 0.37 to 0.53, so above 0.1; scaled: 0.04 to 0.09."""
    one = lesson("08")
    for seed in SEEDS:
        assert one.identity_loss("SkipInit", 20, seed) == (0.0, 0.0)
        plain, scaled = (
            one.identity_loss("plain", 200, seed)[1],
            one.identity_loss("scale L^-1/2", 200, seed)[1],
        )
        assert plain > 0.1
        assert scaled < plain / 2


def test_scale_1_diverges_where_it_is_deep():
    """At both rates. Measured: all five seeds diverge at either rate, at 18 layers too."""
    one = lesson("08")
    for layers, rate in ((42, 0.03), (42, 0.01), (82, 0.03), (82, 0.01)):
        assert all(math.isinf(one.train("scale 1", layers, rate, seed=seed)[0]) for seed in SEEDS)


def test_shallow_nets_tie():
    """C9: 6 layers, 10 epochs. Measured, five seeds: medians 0.961 to 0.975, so 0.05 apart is allowed."""
    one = lesson("08")
    medians = [np.median([one.train(kind, 6, 0.03, 10, seed)[1] for seed in SEEDS]) for kind in one.KINDS]
    assert min(medians) > 0.9
    assert max(medians) - min(medians) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("layers", [42, 82])
def test_deep_nets_learn_only_with_small_branches(layers):
    """C3, C4: the table's own runs, five seeds. Measured medians: plain 0.10 to 0.21, the others 0.92 to 0.95.

    One SkipInit net of ten diverged at the rate that was chosen by another seed, so three seeds of five are asked for.
    At rate 0.01 none of twenty did: 0.90 to 0.96. The threshold is 0.05 below the lowest.
    """
    one = lesson("08")
    right = {kind: one.five_runs(kind, layers)[:, 1] for kind in one.KINDS if kind != "scale 1"}
    for kind in ("scale L^-1/2", "SkipInit"):
        assert np.median(right[kind]) > 0.85
        assert np.median(right[kind]) > np.median(right["plain"]) + 0.3
        assert (right[kind] > right["plain"]).sum() >= 3
