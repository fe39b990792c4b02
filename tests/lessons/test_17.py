"""What lesson 17 says: the direct way is the product of the gates; what learns the adding problem, and what doesn't."""

import numpy as np
import pytest

from .scripts import lesson

SEEDS = range(5)


def test_the_direct_way_is_the_product_of_the_forget_gates():
    one = lesson("17")
    for seed in SEEDS:
        for bias, scale in ((1.0, 0.731), (4.0, 0.982)):
            direct, whole, product = one.direct_share(bias, steps=20, seed=seed)
            assert direct == pytest.approx(product, rel=1e-12)
            per_step = (direct / np.sqrt(one.WIDTH)) ** (1 / 20)
            assert per_step == pytest.approx(scale, abs=0.05)
            assert whole > 0


def test_a_skip_keeps_the_gradient_along_time():
    one = lesson("17")
    for seed in SEEDS:
        assert one.along_time("RNN", seed=seed)[0] < 1e-6
        assert one.along_time("RNN", seed=seed, time_skip=True)[0] > 0.05


@pytest.mark.slow
def test_along_time_a_gate_learns_and_a_skip_alone_does_not():
    one = lesson("17")
    for seed in SEEDS:
        ends = {name: one.trained(kind, seed=seed, **more)[-30:].mean() for name, (kind, more) in one.KINDS.items()}
        assert ends["GRU"] < 0.05
        assert ends["GRU"] < ends["GRU, skip along time"]
        assert ends["LSTM, skip along time"] < ends["LSTM"]
        assert ends["RNN"] > 0.12
        assert ends["RNN, skip along time"] > 0.12


@pytest.mark.slow
def test_between_layers_the_skip_gains():
    one = lesson("17")
    for seed in SEEDS:
        plain, skips = (
            one.trained("GRU", length=10, steps=150, layers=8, layer_skip=layer_skip, seed=seed)[-30:].mean()
            for layer_skip in (False, True)
        )
        assert skips < 0.05
        assert skips < 0.5 * plain
