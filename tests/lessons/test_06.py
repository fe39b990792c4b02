"""What lesson 6 says: how much of a gradient depth leaves, and He's initialisation over many seeds."""

import math

import numpy as np
import pytest

from .scripts import lesson

SEEDS = range(5)


@pytest.mark.parametrize("depth", [20, 100])
def test_what_is_lost_and_what_is_kept(depth):
    """Base-10 logarithms over five seeds, measured at 100 layers, and at 20.

    Sigmoid: -62.4 to -62.7 (Xavier), -49.6 to -50.1 (He), -11.7 to -12.0 and -9.3 to -9.6. ReLU: -38.6 to -40.1
    (default), -14.6 to -16.0 (Xavier), +0.4 to -1.1 (He), and -7.2 to -7.7, -2.8 to -3.2, +0.1 to -0.3.
    Tanh with Xavier: -0.8 to -1.4, and -0.3 to -0.6. The thresholds leave a third or more of the way to no loss at all.
    """
    one = lesson("06")

    def logs(activation, init):
        return np.array([math.log10(one.arrived(depth, activation, init, seed)) for seed in SEEDS])

    assert (logs("sigmoid", "Xavier") < -0.4 * depth).all()
    assert (logs("sigmoid", "He") < -0.3 * depth).all()
    assert (logs("relu", "default") < -0.25 * depth).all()
    assert (logs("relu", "Xavier") < -0.08 * depth).all()
    assert (logs("tanh", "Xavier") > -1 - 0.02 * depth).all()
    assert (np.abs(logs("relu", "He")) < 2).all()


def test_a_shallow_net_keeps_its_gradient():
    one = lesson("06")
    for seed in SEEDS:
        assert all(one.arrived(2, a, i, seed) > 0.05 for a in one.ACTIVATIONS for i in one.INITS)


def test_every_layer_of_a_net_has_its_norm():
    norms = lesson("06").layer_norms(7, "tanh", "He")
    assert norms.shape == (7,)
    assert np.isfinite(norms).all()


def test_he_keeps_the_mean_and_the_typical_net_sinks():
    """E6, 5 x 400 nets. Standard errors of the whole: mean of ln 0.05, variance 0.13, mean square 0.07 (heavy tail).

    The first-order formulas miss terms in 1/n^2, some 6 % at width 64: so 0.3 and 0.6 are allowed.
    """
    logs = np.concatenate([lesson("06").he_logs(seed=seed) for seed in SEEDS], axis=1)
    assert logs.shape == (51, 2000)
    assert abs(logs[0].mean() + 2.5 * 50 / 64) < 0.3
    assert abs(logs[0].var() - 5 * 50 / 64) < 0.6
    assert 0.75 < np.exp(logs[25]).mean() < 1.3
    assert 0.3 < np.exp(np.median(logs[25])) < 0.5
