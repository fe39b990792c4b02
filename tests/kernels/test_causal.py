"""The causal softmax kernel: against its reference, and against a mask and a softmax."""

import numpy as np
import pytest

from minigrad.kernels import causal
from minigrad.kernels.compile import KERNELS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 3, 5, 5), (2, 3, 5), (3, 7, 2), (8, 130, 130), (0, 3, 3)])
def test_agrees_with_its_reference(shape, dtype, rng):
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    x, gy = (rng.standard_normal(shape).astype(dtype) * 4 for _ in range(2))
    y = KERNELS["causal.causal_softmax"].reference(x)
    for name, args in (("causal_softmax", (x,)), ("causal_softmax_backward", (gy, y))):
        kernel = KERNELS[f"causal.{name}"]
        fast = kernel.fast(*args)
        assert fast.dtype == dtype
        np.testing.assert_allclose(fast, kernel.reference(*args), rtol=tolerance, atol=tolerance)


def test_what_is_hidden_is_not_looked_at(rng):
    x, gy = rng.standard_normal((2, 2, 6, 6))
    hidden = ~np.tri(6, dtype=bool)
    x[:, hidden] = np.nan
    y = causal.causal_softmax(x)
    assert not y[:, hidden].any()
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-12)
    gy[:, hidden] = np.inf
    gx = causal.causal_softmax_backward(gy, y)
    assert np.isfinite(gx).all()
    np.testing.assert_allclose(gx.sum(-1), 0, atol=1e-14)


def test_takes_any_strides(rng):
    x = rng.standard_normal((5, 4, 5)).transpose(1, 2, 0)
    np.testing.assert_allclose(causal.causal_softmax(x), KERNELS["causal.causal_softmax"].reference(x), rtol=1e-12)


def test_any_number_of_threads_gives_the_same_bits(rng, same_in_parallel):
    x, gy = rng.standard_normal((2, 3, 21, 21)).astype(np.float32)
    same_in_parallel("causal.causal_softmax", x)
    same_in_parallel("causal.causal_softmax_backward", gy, causal.causal_softmax(x))
