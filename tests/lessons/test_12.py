"""What lesson 12 says: the sum grows as L + 1 (F10), shattering, and the cures."""

import numpy as np
import pytest

from .scripts import lesson

SEEDS = range(5)


def test_variance_is_the_number_of_blocks_plus_one():
    """Measured at 5, 10, 20, 40: 5.97, 10.8, 21.1, 40.3. Width 64, a batch of 256: 15 % are allowed."""
    one = lesson("12")
    for seed in SEEDS:
        found = one.variances(True, 40, seed=seed)
        for blocks in (5, 10, 20, 40):
            assert found[blocks - 1] == pytest.approx(blocks + 1, rel=0.15)
        without = one.variances(False, 10, seed=seed)
        assert abs(np.log(without[9] / 3**10)) < np.log(4)


def test_batch_norm_shatters_a_plain_nets_gradient_and_the_skip_keeps_it():
    """Measured: plain with batch norm -.03, plain without .85, residual .38 (means of five seeds)."""
    one = lesson("12")
    near, growth = {}, {}
    for name, settings in one.NETS.items():
        lines = [one.gradients_on_a_line(*settings, seed=seed) for seed in SEEDS]
        near[name] = np.mean([one.correlation(g) for g, _ in lines])
        growth[name] = np.median([grown for _, grown in lines])
    bare, normed, residual = near
    assert near[bare] > 0.6
    assert near[normed] < 0.15
    assert near[residual] > near[normed] + 0.1
    assert growth[normed] > 100
    assert growth[residual] < 10


@pytest.mark.slow
def test_cures():
    """40 blocks, four epochs: without a norm all guess; each cure is far above it; plain with batch norm isn't."""
    one = lesson("12")
    right = {cure: np.median([one.train(cure, seed=seed)[1] for seed in SEEDS]) for cure in one.CURES}
    assert right["no norm"] < 0.2
    assert min(right[cure] for cure in ("batch norm", "SkipInit", "Fixup")) > 0.6
    assert right["plain, batch norm"] < 0.4


def test_a_norm_after_the_addition_makes_the_gradient_grow_most():
    """At 56 layers, medians of five seeds; at 20 layers the difference is small, and not the same at every seed."""
    one = lesson("12")
    back = {order: np.median([one.way_back(order, 56, seed) for seed in SEEDS]) for order in one.ORDERS}
    assert back["norm after add"] == max(back.values())
