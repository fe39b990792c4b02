"""What lesson 16 says: a prefix does a part of full tuning's work, the base stays the same, ratios don't change."""

import numpy as np

from .scripts import lesson

SEEDS = range(5)


def test_a_prefix_helps_and_full_tuning_helps_more():
    """Reduced: 80 steps for the base, 60 of tuning."""
    one = lesson("16")
    for seed in SEEDS:
        base, _ = one.trained_base(seed, steps=80)
        before = one.loss_of(base, *one.batch("upper", np.random.default_rng(seed))).item()
        weights = [p.array.copy() for p in base.parameters()]
        ends = {}
        for name, model in one.tunings(base, seed).items():
            ends[name] = one.train(model, "upper", 60, 5e-3 if name == "full" else 2e-2, seed)[-10:].mean()
            if name != "full":
                assert all((p.array == w).all() for p, w in zip(model.base.parameters(), weights, strict=True))
        assert ends["full"] < ends["prefix"] < before - 0.3
        assert ends["full"] < ends["prefix by a net"] < before - 0.3


def test_the_count_of_numbers():
    one = lesson("16")
    base, _ = one.trained_base(steps=1)
    found = one.tunings(base)
    assert found["prefix"].prefix.array.size == 2 * 2 * 8 * 32
    assert sum(p.array.size for p in base.parameters()) > 25 * found["prefix"].prefix.array.size


def test_ratios_over_the_content_stay():
    one = lesson("16")
    for seed in SEEDS:
        change, drawn = one.ratios_changed(seed)
        assert change < 1e-12
        assert drawn.max() > 0.1
