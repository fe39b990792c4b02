"""What lesson 9 says: exact path lengths (E1 to E3), what sampling makes of them, and lesions."""

import math

import numpy as np
import pytest

from minigrad import inspect

from .scripts import lesson

SEEDS = range(5)


@pytest.fixture(scope="module")
def nets():
    """The trained net of twelve blocks for each seed."""
    return [lesson("09").trained(residual=True, seed=seed) for seed in SEEDS]


def test_the_linear_case():
    paths = lesson("09").linear_paths()
    assert paths.counts == [math.comb(54, k) for k in range(55)]
    assert sum(paths.counts[5:18]) / 2**54 == pytest.approx(0.004537, abs=1e-6)
    assert paths.total[0] == pytest.approx(1.1**54, rel=1e-12)
    for k, g in enumerate(paths.gradients):
        assert g[0] == pytest.approx(math.comb(54, k) * 0.1**k, rel=1e-12)


def test_short_routes_bring_the_gradient_and_sampled_norms_overstate_it(nets):
    """Measured: at most 4 of 12 branches bring 0.985 to 1.039; sampled norms at 4: 3.9 to 11.9 times as much."""
    one = lesson("09")
    for seed, net in enumerate(nets):
        loss, x = one.loss_and_input(net)
        paths = inspect.path_lengths(loss, wrt=x)
        estimate = one.sampled(loss, x, seed=seed)
        assert 0.85 < paths.shares[:5].sum() < 1.15
        assert paths.norms[9:].max() < 0.01 * paths.norms.max()
        assert np.exp(np.mean(np.log(estimate[3:7] / paths.norms[3:7]))) > 2
        assert estimate[[0, 12]] == pytest.approx(paths.norms[[0, 12]], rel=1e-4)  # one route each: nothing to cancel
        loss.backward()
        assert np.allclose(paths.total, x.grad.array, rtol=1e-3, atol=1e-6)


def test_many_lesions(nets):
    """Measured: whole 0.95 to 0.99, 0.78 to 0.87 with six deleted, 0.47 to 0.82 with nine."""
    one = lesson("09")
    for net in nets:
        assert one.accuracy(net) > 0.9
        assert one.many_deleted(net, 6) > 0.5
        assert one.many_deleted(net, 9) < one.many_deleted(net, 3)


def test_one_lesion_of_equal_nets():
    """Six blocks each, one rate. Measured, three seeds: residual 0.95 to 0.98 whole, medians 0.86 to 0.92 with one
    deleted; plain 0.92 to 0.96 whole, medians 0.09 to 0.12. The thresholds leave half of the way between."""
    one = lesson("09")
    for seed in SEEDS:
        nets = one.twins(seed)
        assert one.accuracy(nets["residual"]) > 0.9
        assert one.accuracy(nets["plain"]) > 0.8
        medians = {name: np.median(one.one_deleted(name, net)) for name, net in nets.items()}
        assert medians["residual"] > 0.65
        assert medians["plain"] < 0.35
