"""Products of matrices: what is cut into blocks equals NumPy's product, and doesn't depend on the threads."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import product as products
from minigrad.kernels.product import product

SIZES = [
    (256, 256, 256),
    (1030, 70, 99),
    (70, 1000, 300),
    (1, 3000, 1000),
    (3000, 1000, 1),
    (2, 3, 4),
    (0, 5, 3),
    (5, 0, 3),
]


@pytest.fixture(params=["cut", "NumPy's"])
def _way(request, monkeypatch):
    if request.param == "NumPy's":
        monkeypatch.setattr(products, "_GEMM", {})


def close(a, b):
    y = product(a, b)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    assert y.shape == expected.shape
    assert y.dtype == a.dtype
    scale = max(np.abs(expected).max(initial=0), 1)
    np.testing.assert_allclose(y / scale, expected / scale, atol=1e-5 if a.dtype == np.float32 else 1e-13)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_matrices_in_every_layout(m, k, n, dtype, rng):
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    for left in (a, np.asfortranarray(a), a[::-1], np.repeat(a, 2, axis=1)[:, ::2], np.pad(a, 3)[3:-3, 3:-3]):
        close(left, b)
        close(left, np.asfortranarray(b))
    close(b.T, a.T)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("batch", [(64,), (16, 4), (1, 4), (4, 1), (2, 3, 4), (2,)])
def test_batches(batch, rng):
    a, b = rng.standard_normal((*batch, 128, 48)), rng.standard_normal((*batch, 48, 200))
    close(a, b)
    close(a, a.swapaxes(-1, -2))
    close(a[..., :1, :, :], b[-1:] if len(batch) == 1 else b[:, -1:])  # one matrix for all broadcasts


def test_heads_that_lie_beside_each_other(rng):
    heads = rng.standard_normal((16, 128, 4, 32)).astype(np.float32).transpose(0, 2, 1, 3)
    close(heads, heads.swapaxes(-1, -2))
    close(heads.swapaxes(-1, -2), heads)


def test_a_large_product_is_cut_here_and_a_small_one_is_not(monkeypatch, rng):
    if not products._GEMM:
        pytest.skip("NumPy came without an OpenBLAS of its own")
    calls = []
    monkeypatch.setattr(products, "_multiply", lambda *args: calls.append(args))
    product(rng.standard_normal((32, 32)), rng.standard_normal((32, 32)))
    assert not calls
    product(rng.standard_normal((256, 256)), rng.standard_normal((256, 256)))
    assert len(calls) == 1


def test_the_bits_do_not_depend_on_the_threads(rng):
    a, b = rng.standard_normal((777, 333)).astype(np.float32), rng.standard_normal((333, 512)).astype(np.float32)
    before, seen = mg.get_num_threads(), []
    for n in (1, 2, 3):
        mg.set_num_threads(n)
        seen.append(product(a, b))
    mg.set_num_threads(before)
    for y in seen[1:]:
        np.testing.assert_array_equal(y, seen[0])


def test_not_a_number_stays_where_it_is(rng):
    a, b = rng.standard_normal((2, 300, 300))
    a[7, 3] = np.nan
    assert np.isnan(product(a, b)).sum() == 300


def test_a_wrong_inner_size_is_numpys_error(rng):
    with pytest.raises(ValueError, match="mismatch|aligned"):
        product(rng.standard_normal((300, 300)), rng.standard_normal((301, 300)))
