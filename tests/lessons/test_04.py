"""Lesson 4: the node is right, the kernels agree, and float32 can't judge a gradient."""

import os

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import minigrad as mg

from . import scripts

lesson = scripts.lesson("04")


@pytest.mark.parametrize("seed", range(5))
def test_the_node_is_the_layer(seed):
    assert lesson.same_as_the_layer(seed) < 1e-12
    x, w, b = (mg.randn(*shape, dtype=mg.float64, requires_grad=True) for shape in ((5, 3), (4, 3), (4,)))
    assert mg.gradcheck(lambda *t: lesson.Dense()(*t), (x, w, b))


@pytest.mark.parametrize("seed", range(5))
def test_the_kernels_agree(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((9, 7)), rng.standard_normal((7, 5))
    for kernel in lesson.PRODUCTS.values():
        np.testing.assert_allclose(kernel(a, b), a @ b, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(lesson.bias_relu(a, a[0]), np.maximum(a + a[0], 0))


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_compiled_loops_beat_python_and_blas_beats_both():
    # Measured: some thousand times and 4 times. A busy machine may spoil a time, not by these factors.
    # One thread, because BLAS's second one waits where other processes are at work.
    with threadpool_limits(1):
        times = lesson.time_products()
    assert lesson.SIZES[1:] == [64, 256]
    assert times["Python"][1] > 50 * times["Numba"][1]
    assert times["Numba"][2] > times["NumPy @"][2]
    y, b = np.ones((2048, 1024), np.float32), np.ones(1024, np.float32)  # measured: ten times
    assert lesson.seconds(lesson.bias_relu, y, b) < lesson.seconds(lambda: np.maximum(y + b, 0))


@pytest.mark.parametrize("seed", range(5))
def test_float32_is_a_bad_judge_of_a_good_rule(seed):
    # Theory: the best error is near rounding ** (2/3), 1.5e-5 and 2.4e-11; a factor of ten either way is allowed,
    # and twenty above, because the largest of 24 errors is taken. At h = 1e-6 float32's is near 1e-7 / 1e-6.
    assert lesson.STEPS[lesson.AT] == pytest.approx(1e-6)
    single, rule = lesson.check_errors(np.float32, seed)
    double, _ = lesson.check_errors(np.float64, seed)
    assert 1.5e-6 < single.min() < 3e-4
    assert double.min() < 5e-10
    assert single[lesson.AT] > 0.01
    assert double[lesson.AT] < 1e-7
    assert rule < 1e-5
    assert rule < single.min()
