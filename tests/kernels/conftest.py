"""What the tests of kernels share: the comparison of a kernel's two versions."""

from __future__ import annotations

import copy
import pickle

import numba
import numpy as np
import pytest

from minigrad.kernels import threads
from minigrad.kernels.compile import KERNELS

TOLERANCE = {"f": 2e-6, "d": 1e-12}


@pytest.fixture(autouse=True)
def _as_compiled():
    """Compiled arithmetic never warns; with NUMBA_DISABLE_JIT, Python runs the loops, and NumPy would."""
    with np.errstate(**(dict.fromkeys(("divide", "over", "invalid"), "ignore") if numba.config.DISABLE_JIT else {})):
        yield


def _assert_same(fast, reference, tolerance):
    if reference is None:
        assert fast is None
    elif isinstance(reference, tuple):
        assert len(fast) == len(reference)
        for mine, theirs in zip(fast, reference, strict=True):
            _assert_same(mine, theirs, tolerance)
    elif isinstance(reference, np.ndarray | np.generic):
        assert isinstance(fast, np.ndarray)
        assert fast.dtype == reference.dtype
        assert fast.shape == reference.shape
        scale = np.max(np.abs(reference), initial=1, where=np.isfinite(reference))  # sums cancel
        bound = tolerance or TOLERANCE.get(reference.dtype.char, 0)
        np.testing.assert_allclose(fast, reference, rtol=bound, atol=bound * scale)


@pytest.fixture
def agree():
    """``agree(name, *args)``: a kernel gives, and leaves behind in its arguments, what its reference does."""

    def check(name, *args, tolerance=None):
        mine, theirs = copy.deepcopy(args), copy.deepcopy(args)
        result = KERNELS[name].fast(*mine)
        with np.errstate(all="ignore"):
            expected = KERNELS[name].reference(*theirs)
        _assert_same(result, expected, tolerance)
        _assert_same(mine, theirs, tolerance)
        for array in result if isinstance(result, tuple) else (result,):
            assert array is None or array.flags.c_contiguous
        return result

    return check


@pytest.fixture
def same_in_parallel(monkeypatch):
    """``same_in_parallel(name, *args)``: one thread, two and four give the same bits, however little work there is."""
    monkeypatch.setattr(threads, "SMALL", 1)
    before = threads.get_num_threads()

    def check(name, *args):
        results = []
        for count in (1, 2, 4):
            threads.set_num_threads(count)
            own = copy.deepcopy(args)
            results.append((KERNELS[name].fast(*own), own))
        for other in results[1:]:
            assert pickle.dumps(other) == pickle.dumps(results[0])

    yield check
    threads.set_num_threads(before)
