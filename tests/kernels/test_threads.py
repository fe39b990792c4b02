"""Kernels of two forms: float16, which Numba doesn't have."""

from __future__ import annotations

import threading

import numpy as np
import pytest

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


def test_an_interrupt_while_a_thread_is_started_does_not_leave_the_kernels_serial(monkeypatch):
    pool = threads._Pool()
    with monkeypatch.context() as patched:

        def interrupted(*_):
            raise KeyboardInterrupt

        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.ask(threads._Job(lambda first, last: None, 1, 1), 1)
    helped = threading.Event()
    job = threads._Job(lambda first, last: helped.set(), 1, 1)
    pool.ask(job, 1)
    assert helped.wait(30)
    job.close()


def test_an_interrupt_in_a_kernel_is_raised_and_the_next_call_is_shared_again(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 3)
    caller = threading.current_thread()

    def interrupted(first, last):
        if threading.current_thread() is caller:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            threads.share(interrupted, 100, 100 * threads.SMALL)
    seen = set()
    everyone = threading.Barrier(3, timeout=30)

    def all_meet(first, last):
        if threading.current_thread() not in seen:
            seen.add(threading.current_thread())
            everyone.wait()

    threads.share(all_meet, 1000, 100 * threads.SMALL)
    assert len(seen) == 3


@pytest.mark.parametrize("layer", ["tbb", "omp", "nothing"])
def test_no_threading_layer_of_numbas_is_needed(layer, run_python):
    code = "import minigrad as mg\nprint(mg.nn.Conv2d(3, 16, 3)(mg.randn(8, 3, 64, 64)).shape)"
    done = run_python(code, NUMBA_THREADING_LAYER=layer, MINIGRAD_NUM_THREADS="2")
    assert done.stdout.split() == ["(8,", "16,", "62,", "62)"], done.stderr
