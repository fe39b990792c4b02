"""What lesson 15 says: the skips let it learn, positions end the symmetry, Xiong's two laws, short paths."""

import math

import numpy as np
import pytest

from minigrad import inspect

from .scripts import lesson

SEEDS = range(5)


@pytest.mark.slow
def test_with_its_skips_cut_the_net_learns_no_more_than_frequencies():
    """Two layers would still learn a little without skips; four don't. Reduced: 250 steps."""
    one = lesson("15")
    for seed in SEEDS:
        _, whole = one.trained(steps=250, seed=seed)
        _, cut = one.trained(steps=250, seed=seed, skips=False)
        assert whole[-20:].mean() < one.entropy() - 0.2
        assert cut[-20:].mean() > one.entropy() - 0.1


def test_the_ledger_has_two_rows_a_layer():
    one = lesson("15")
    rows = inspect.trace(one.loss_of(one.made(layers=3), *one.batch(np.random.default_rng(0)))).ledger()
    assert len(rows) == 6


def test_only_positions_tell_an_order():
    one = lesson("15")
    for seed in SEEDS:
        assert one.shuffled_difference(None, seed) < 1e-12
        for positions in ("learned", "sinusoidal", "rotary"):
            assert one.shuffled_difference(positions, seed) > 1e-6


def test_the_last_layers_gradient():
    """Xiong et al. (2020): post-norm constant, pre-norm 1 / sqrt(L). Measured over five seeds: within 10 and 15 %."""
    one = lesson("15")
    for first, law in ((False, 1.0), (True, 0.5)):
        found = [np.mean([one.feed_forward_gradients(n, first, s)[-1] for s in SEEDS]) for n in (2, 8)]
        assert found[1] / found[0] == pytest.approx(law, rel=0.2)


def test_the_profile_over_layers_is_not_flat_in_a_pre_norm_net():
    one = lesson("15")
    profile = np.mean([one.feed_forward_gradients(8, True, s) for s in SEEDS], axis=0)
    assert profile[0] > 1.5 * profile[-1]


@pytest.mark.slow
def test_short_routes_bring_the_gradient():
    """Measured: at most 4 of 12 branches, a fifth of the routes, bring 0.94 to 1.00; mean length 0.8 to 2.9."""
    one = lesson("15")
    for seed in SEEDS:
        model, _ = one.trained(steps=60, seed=seed, layers=6)
        paths = one.paths_of(model, *one.batch(np.random.default_rng(seed)))
        assert paths.counts == [math.comb(12, k) for k in range(13)]
        assert 0.85 < paths.shares[:5].sum() < 1.1
        assert paths.mean_length < 4
