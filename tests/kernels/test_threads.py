"""Kernels of two forms: float16, which Numba doesn't have; and the threads that share them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numba import config

from minigrad.kernels import elementwise, norm, softmax, threads


@pytest.mark.parametrize("small", [1, threads.SMALL])
def test_half_precision_is_computed_in_single(small, monkeypatch, rng):
    monkeypatch.setattr(threads, "SMALL", small)
    x = rng.standard_normal((4, 6)).astype(np.float16)
    x.flags.writeable = False
    for fast, wide in (
        (elementwise.sigmoid(x), elementwise.sigmoid(x.astype(np.float32))),
        (softmax.softmax(x), softmax.softmax(x.astype(np.float32))),
    ):
        assert fast.dtype == np.float16
        np.testing.assert_allclose(fast, wide, atol=1e-3)


def test_half_precision_in_place(rng):
    y, b = rng.standard_normal((4, 6)).astype(np.float16), np.ones(6, np.float16)
    expected = y + b
    elementwise.add_bias(y, b)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("length", [1, 5])
def test_half_precision_of_batch_norm(length, rng):
    x, gy = rng.standard_normal((2, 8, 3, length)).astype(np.float16)
    w = rng.standard_normal(3).astype(np.float16)
    wide = norm.batch_norm(*(a.astype(np.float32) for a in (x, w, w)), 1e-5)
    y, mean, inv_std = norm.batch_norm(x, w, w, 1e-5)
    gx, gw, _ = norm.batch_norm_backward(gy, x, w, mean, inv_std)
    expected = norm.batch_norm_backward(*(a.astype(np.float32) for a in (gy, x, w, *wide[1:])))
    for fast, slow in zip((y, mean, gx, gw), (*wide[:2], *expected[:2]), strict=True):
        assert fast.dtype == np.float16
        np.testing.assert_allclose(fast, slow, atol=2e-2)


@pytest.mark.skipif(config.DISABLE_JIT, reason="such a thread looks for work in compiled code")
def test_an_interrupt_while_a_thread_is_started_does_not_leave_the_kernels_serial(monkeypatch):
    pool = threads._Pool()
    with monkeypatch.context() as patched:

        def interrupted(*_):
            raise KeyboardInterrupt

        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.wake(1)
    before = threading.active_count()
    pool.wake(1)
    assert threading.active_count() == before + 1
    pool.retire()


@pytest.mark.parametrize("layer", ["tbb", "omp", "nothing"])
def test_no_threading_layer_of_numbas_is_needed(layer, run_python):
    code = "import minigrad as mg\nprint(mg.nn.Conv2d(3, 16, 3)(mg.randn(8, 3, 64, 64)).shape)"
    done = run_python(code, NUMBA_THREADING_LAYER=layer, MINIGRAD_NUM_THREADS="2")
    assert done.stdout.split() == ["(8,", "16,", "62,", "62)"], done.stderr
