"""The recurrent cells' kernels: against their references, as derivatives, at large arguments, on both forms."""

import numpy as np
import pytest

from minigrad.kernels import compile
from minigrad.kernels import recurrent as R

GATES = {"lstm_cell": 4, "gru_cell": 3}
BACKWARD = {"lstm_cell": "lstm_cell_backward", "gru_cell": "gru_cell_backward"}


def flat(y):
    return [a for part in y for a in (part if isinstance(part, tuple) else (part,))]


def arguments(name, rows, d, dtype, rng, bias=True):
    wide = rng.standard_normal((2, rows, GATES[name] * d)).astype(dtype) * 3
    b = rng.standard_normal(GATES[name] * d).astype(dtype) if bias else None
    return *wide, b, rng.standard_normal((rows, d)).astype(dtype)


def backward_arguments(name, rows, d, dtype, rng):
    x, z, b, old = arguments(name, rows, d, dtype, rng)
    kept = compile.KERNELS[f"recurrent.{name}"].reference(x, z, b, old)[0]
    grads = rng.standard_normal((2 if name == "lstm_cell" else 1, rows, d)).astype(dtype)
    return *grads, *map(np.ascontiguousarray, kept), old


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "d"), [(1, 1), (3, 5), (40, 300)])
@pytest.mark.parametrize("name", list(GATES))
def test_agrees_with_its_reference(name, rows, d, dtype, rng):
    tolerance = 2e-6 if dtype == np.float32 else 1e-13
    for which, args in (
        (name, arguments(name, rows, d, dtype, rng)),
        (name, arguments(name, rows, d, dtype, rng, bias=False)),
        (BACKWARD[name], backward_arguments(name, rows, d, dtype, rng)),
    ):
        kernel = compile.KERNELS[f"recurrent.{which}"]
        for fast, slow in zip(flat(kernel.fast(*args)), flat(kernel.reference(*args)), strict=True):
            assert fast.dtype == dtype
            np.testing.assert_allclose(fast, slow, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", list(GATES))
def test_large_arguments_saturate(name, rng):
    x, z, b, old = arguments(name, 2, 3, np.float32, rng)
    with np.errstate(all="raise"):
        for sign in (-1, 1):
            x[...] = sign * 1e4
            for a in flat(compile.KERNELS[f"recurrent.{name}"].fast(x, z, b, old)):
                assert np.isfinite(a).all()


def test_small_values_keep_their_digits():
    x = np.full((1, 4), 1e-6, np.float32)
    (_, _, g, _, _), _, _ = R.lstm_cell(x, np.zeros((1, 4), np.float32), None, np.zeros((1, 1), np.float32))
    assert g[0, 0] == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize("name", list(GATES))
def test_any_number_of_threads_gives_the_same_bits(name, rng, same_in_parallel):
    same_in_parallel(f"recurrent.{name}", *arguments(name, 37, 20, np.float32, rng))
    same_in_parallel(f"recurrent.{name}_backward", *backward_arguments(name, 37, 20, np.float32, rng))
