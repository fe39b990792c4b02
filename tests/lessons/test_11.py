"""What lesson 11 says: scaled and gated skips lose the gradient (E4, E8), and dropping adds noise (F4)."""

import math

import pytest

from .scripts import lesson

SEEDS = range(5)


@pytest.mark.parametrize(("bias", "expected"), [(0, 5.55e-17), (-5, 0.696), (-6, 0.875), (-7, 0.952)])
def test_e4(bias, expected):
    assert lesson("11").over_the_skips(float(bias)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_half_of_the_skip_learns_nothing_and_the_identity_does(seed):
    """Two epochs. Half of the skip stays at ln 10 = 2.303; the identity's loss is below half of that."""
    one = lesson("11")
    identity, start = one.trained("identity", seed, epochs=2)
    assert identity[-1] < 1.15
    for kind in ("half the skip", "gate, bias 0"):
        losses, lost = one.trained(kind, seed, epochs=1)
        assert losses[-1] > 2.25
        assert lost < 1e-3 * start


@pytest.mark.parametrize("seed", SEEDS)
def test_e8(seed):
    norms = lesson("11").start_of("SkipInit", seed=seed).layers(level="blocks").norms
    assert len(dict.fromkeys(norms.tolist())) == 1
    scaled = lesson("11").start_of("LayerScale", seed=seed).layers(level="blocks").norms
    assert scaled[0] / scaled[-1] == pytest.approx(1, abs=1e-3)
    plain = lesson("11").start_of("none", seed=seed).layers(level="blocks").norms
    assert plain[0] / plain[-1] > 1.1


def test_f4():
    mean, square = lesson("11").over_all_draws(0.3, 0.5, 6)
    assert mean == pytest.approx(1.3**6, rel=1e-12)
    assert square == pytest.approx((1.6 + 0.09 / 0.5) ** 6, rel=1e-12)
    assert square > mean**2
    assert math.isclose(lesson("11").over_all_draws(0.3, 1.0, 3)[1], 1.3**6, rel_tol=1e-12)
