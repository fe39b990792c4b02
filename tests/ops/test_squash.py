"""Squash: facts E12 in float64, and no NaN at 0, in first and second derivatives."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.ops.capsule import squash


def test_length_and_both_derivatives(rng):
    s = rng.standard_normal(5)
    r = np.linalg.norm(s)
    jacobian = mg.jacobian(squash, mg.tensor(s)).array
    across = rng.standard_normal(5)
    across -= across @ s / r**2 * s
    np.testing.assert_allclose(np.linalg.norm(squash(mg.tensor(s)).array), r**2 / (1 + r**2), rtol=1e-12)
    np.testing.assert_allclose(jacobian @ s, 2 * r / (1 + r**2) ** 2 * s, rtol=1e-11)
    np.testing.assert_allclose(jacobian @ across, r / (1 + r**2) * across, rtol=1e-11, atol=1e-14)


def test_no_nan_towards_zero(rng):
    for size in (1e-3, 1e-150, 1e-200, 0.0):
        s = mg.tensor(size * rng.standard_normal((2, 3)), requires_grad=True)
        (g,) = mg.grad(squash(s), s, mg.randn(2, 3, dtype=mg.float64), create_graph=True)
        assert np.isfinite(g.array).all()
        assert np.abs(g.array).max() <= 10 * size
        g.sum().backward()
        assert np.isfinite(s.grad.array).all()
