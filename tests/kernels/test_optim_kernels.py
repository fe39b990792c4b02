"""Optimiser kernels: against their references for every option, and against steps worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minigrad.kernels import optim
from minigrad.kernels.compile import KERNELS

DTYPES = [np.float32, np.float64]
YES_NO = (False, True)
#: Each kernel with how many arrays it remembers things in, and what its options can be.
TABLE = {
    "optim.sgd": (1, [(0.1,), (0.0, 0.9), (0.0, 0.3), (0.0, 0.1), YES_NO, YES_NO, YES_NO]),
    "optim.adam": (3, [(1, 7), (0.1,), (0.0, 0.9), (0.99,), (1e-8,), (0.0, 0.1), YES_NO, YES_NO, YES_NO]),
    "optim.rmsprop": (3, [(0.1,), (0.9,), (1e-8,), (0.0, 0.1), (0.0, 0.9), YES_NO, YES_NO]),
}


def arguments(name, shape, dtype, rng, options):
    """The parameter, its gradient and what is remembered; a variance is above the square of its mean."""
    memory = [np.asarray(rng.uniform(0.1, 0.5, shape), dtype=dtype) for _ in range(TABLE[name][0])]
    if name == "optim.rmsprop":
        memory[0] += 1
    p, g = (np.asarray(rng.standard_normal(shape), dtype=dtype) for _ in range(2))
    return p, g, *memory, *options


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_option_agrees_with_the_reference(name, dtype, rng, agree):
    for options in itertools.product(*TABLE[name][1]):
        agree(name, *arguments(name, (3, 5), dtype, rng, options))


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (33, 3)])
def test_any_shape(name, shape, rng, agree):
    options = [choices[-1] for choices in TABLE[name][1]]
    agree(name, *arguments(name, shape, np.float64, rng, options))


@pytest.mark.parametrize("name", TABLE)
def test_the_change_is_in_place_for_any_strides(name, rng):
    options = [choices[-1] for choices in TABLE[name][1]]
    args = arguments(name, (4, 6), np.float64, rng, options)
    strided = [np.asfortranarray(a) if isinstance(a, np.ndarray) else a for a in args]
    KERNELS[name].fast(*args)
    KERNELS[name].fast(*strided)
    for mine, theirs in zip(strided, args, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", TABLE)
def test_one_thread_as_two(name, rng, same_in_parallel):
    options = [choices[-1] for choices in TABLE[name][1]]
    same_in_parallel(name, *arguments(name, (300,), np.float32, rng, options))


def test_what_is_left_out_may_be_none():
    p = np.ones(2)
    optim.sgd(p, np.ones(2), None, 0.5, 0.0, 0.0, 0.0, False, False, True)
    np.testing.assert_array_equal(p, [0.5, 0.5])
    optim.rmsprop(p, np.ones(2), np.zeros(2), None, None, 0.5, 0.0, 0.0, 0.0, 0.0, False, False)
    np.testing.assert_array_equal(p, [0, 0])


def test_momentum_by_hand():
    """The first buffer is the gradient, whatever the dampening; then 0.5 * 1 + (1 - 0.25) * 2 = 2."""
    p, buf = np.array([10.0]), np.array([np.nan])
    optim.sgd(p, np.array([1.0]), buf, 1.0, 0.5, 0.25, 0.0, False, False, True)
    assert (p, buf) == (9, 1)
    optim.sgd(p, np.array([2.0]), buf, 1.0, 0.5, 0.25, 0.0, False, False, False)
    assert (p, buf) == (7, 2)


def test_adams_first_step_is_the_rate_in_the_gradients_direction():
    p, g = np.zeros(3), np.array([1e-3, -5.0, 100.0])
    optim.adam(p, g, np.zeros(3), np.zeros(3), None, 1, 0.1, 0.9, 0.999, 0.0, 0.0, False, False, False)
    np.testing.assert_allclose(p, [-0.1, 0.1, -0.1], rtol=1e-12)


def test_decoupled_decay_passes_the_means_by():
    p, m = np.array([10.0]), np.zeros(1)
    optim.adam(p, np.zeros(1), m, np.zeros(1), None, 1, 0.1, 0.9, 0.999, 1e-8, 0.5, True, False, False)
    np.testing.assert_allclose(p, 10 * (1 - 0.1 * 0.5), rtol=1e-15)
    assert m == 0


def test_adam_without_a_mean_takes_the_gradient_itself():
    """With beta1 = 0, a huge former mean leaves no trace: the interpolation is exact at its end."""
    m = np.array([1e20], dtype=np.float32)
    optim.adam(
        np.zeros(1, np.float32),
        np.ones(1, np.float32),
        m,
        np.zeros(1, np.float32),
        None,
        1,
        0.1,
        0.0,
        0.999,
        1e-8,
        0.0,
        False,
        False,
        False,
    )
    assert m == 1
