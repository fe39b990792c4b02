"""What lesson 21 says: streams begin as a residual net; what grows with depth, and what doesn't (F5, F6)."""

import math

import numpy as np
import pytest

from .scripts import lesson

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("constraint", [None, "sinkhorn", "birkhoff"])
def test_it_begins_as_the_residual_net(constraint, seed):
    """To rounding of the weights, which are made in float32 where there is a constraint."""
    assert lesson("21").difference_at_the_start(constraint, seed) < (1e-6 if constraint else 1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_free_matrix_gains_and_a_held_one_does_not(seed):
    one = lesson("21")
    assert one.gains("free", seed=seed)[-1] > 2
    assert max(one.gains("sinkhorn", seed=seed)) < 1.05
    assert max(one.gains("birkhoff", seed=seed)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_meter_of_collapse(seed):
    """Streams that differ stay apart under the identity; the mean makes them alike."""
    one = lesson("21")
    apart = one.mixed(np.eye(one.STREAMS, dtype=np.float32), seed=seed)
    assert abs(apart[-1].alike) < 0.3
    together = one.mixed(np.full((one.STREAMS, one.STREAMS), 1 / one.STREAMS, np.float32), seed=seed)
    assert together[-1].alike > 0.8
    assert together[-1].effective_gradient == pytest.approx(one.STREAMS, rel=1e-5)


def test_growth():
    one, a = lesson("21"), 0.5
    for length in (4, 16):
        assert one.growth("residual", length) == pytest.approx((1 + a) ** length, rel=1e-12)
        power = math.gamma(length + a) / (math.gamma(1 + a) * math.gamma(length + 1))
        assert one.growth("depth", length) == pytest.approx(power, rel=1e-12)


@pytest.mark.parametrize("kind", ["plain", "residual", "highway", "DenseNet", "HC", "mHC", "AttnRes", "delta"])
def test_no_design_breaks_its_law(kind):
    _, words, broken, gain, _, _, right = lesson("21").measured(kind, epochs=1)
    assert broken == 0
    assert (words == "none") == (kind == "plain")
    assert 0 < gain < 100
    assert 0 <= right <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_skip_beats_the_plain_net(seed):
    """Two epochs. Among the designs with skips nothing is claimed."""
    plain, residual = (lesson("21").measured(kind, epochs=2, seed=seed)[-1] for kind in ("plain", "residual"))
    assert residual > plain
