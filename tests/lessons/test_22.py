"""What lesson 22 says: memory doesn't grow with depth, and rebuilt inputs drift by rounding (F9)."""

import numpy as np
import pytest

import minigrad as mg

from .scripts import lesson

SEEDS = range(5)


def test_memory_against_depth():
    """From 4 to 16 blocks. Measured: plain 3.7 times, checkpointed 2.2, reversible 1.08."""
    grown = {}
    for kind in lesson("22").KINDS:
        few, many = (lesson("22").peak(kind, depth, batch=1000)[0] for depth in (4, 16))
        grown[kind] = many / few
    assert grown["plain"] > 3
    assert 1.5 < grown["checkpointed"] < 3
    assert grown["reversible"] < 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_drift(seed):
    """Not to the bit; to 1e-13 over 50 blocks in float64; far less where weights stretch."""
    one = lesson("22")
    assert 0 < one.drift(50, mg.float64, seed=seed) < 1e-13
    assert 1e-8 < one.drift(50, mg.float32, seed=seed) < 1e-4
    assert one.drift(20, mg.float64, 2.0, seed) > 100 * one.drift(20, mg.float64, 1.0, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_three_nets_have_the_same_gradients(seed):
    one = lesson("22")
    found = []
    for kind in one.KINDS:
        made = one.blocks(3, seed)
        x = mg.ones(4, 2 * one.WIDTH, requires_grad=True)
        one.run(kind, made, x)
        found.append([x.grad.array, *(p.grad.array for block in made for p in block.parameters())])
    for others in found[1:]:
        for a, b in zip(found[0], others, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
