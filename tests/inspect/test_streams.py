"""Streams: a row a pair, sums by row and column, a meter of collapse; and path lengths against brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn, skip


def linear_streams(rng, n, layers, d=3):
    """Layers of n streams with linear branches: the loss, the streams that enter, and all matrices."""
    X = mg.tensor(rng.standard_normal((n, d)), requires_grad=True)
    h, made = X, []
    for _ in range(layers):
        A, pre, post, W = (rng.standard_normal(s) for s in ((n, n), (1, n), (n, 1), (d, d)))
        s, b = skip.fork(h)
        branch = skip.stream_mix(mg.tensor(post), skip.stream_mix(mg.tensor(pre), b) @ mg.tensor(W))
        h = skip.residual_add(skip.stream_mix(mg.tensor(A), s), branch)
        made.append((A, post @ pre, W))
    return h, X, made


@pytest.mark.parametrize(("n", "layers"), [(2, 3), (3, 2), (4, 3)])
def test_path_lengths_of_streams_against_all_routes(rng, n, layers):
    y, X, made = linear_streams(rng, n, layers)
    g = rng.standard_normal(y.shape)
    paths = inspect.path_lengths(y, wrt=X, gradient=g)
    expected = np.zeros((layers + 1, n, 3))
    for ways in itertools.product((0, 1), repeat=layers):
        carried = g
        for crosses, (A, B, W) in zip(reversed(ways), reversed(made), strict=True):
            carried = B.T @ carried @ W.T if crosses else A.T @ carried
        expected[sum(ways)] += carried
    for k in range(layers + 1):
        np.testing.assert_allclose(paths.gradients[k], expected[k], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(paths.stream_norms, np.linalg.norm(expected, axis=2), rtol=1e-11)


@pytest.mark.parametrize(("n", "layers"), [(2, 3), (3, 2), (4, 5)])
def test_f5_routes_per_pair_of_streams(rng, n, layers):
    """2^L n^(L-1) for each pair of streams: counted one by one, and as the pass counts them."""
    y, X, _ = linear_streams(rng, n, layers)
    paths = inspect.path_lengths(y, wrt=X, gradient=np.ones(y.shape))
    found = np.array(paths.stream_counts, dtype=int)  # (lengths, streams), from any one stream at the end
    counted = np.zeros((n, n), int)
    for stops in itertools.product(range(n), repeat=layers + 1):
        counted[stops[-1], stops[0]] += 2**layers
    assert (counted == 2**layers * n ** (layers - 1)).all()
    assert (found.sum(0) == counted[0]).all()
    assert paths.counts == [math.comb(layers, k) for k in range(layers + 1)]  # a route is told by skip and branch alone


def test_a_net_without_streams_has_no_stream_counts():
    x = mg.ones(2, requires_grad=True)
    s, b = skip.fork(x)
    assert inspect.path_lengths(skip.residual_add(s, b.tanh()).sum(), x).stream_counts is None


def test_a_row_a_pair(rng):
    H, X, g = rng.standard_normal((3, 4)), rng.standard_normal((4, 5)), rng.standard_normal((3, 5))
    streams = mg.tensor(X, requires_grad=True)
    ledger = inspect.stream_ledger(skip.stream_mix(mg.tensor(H), streams), g)
    (row,) = ledger
    assert len(ledger.pairs) == 12
    for pair in ledger.pairs:
        part = H[pair.end, pair.start] * g[pair.end]
        whole = H[:, pair.start] @ g
        assert pair.norm == pytest.approx(np.linalg.norm(part), rel=1e-12)
        assert pair.share == pytest.approx(part @ whole / (whole @ whole), rel=1e-12)
    for j in range(4):
        assert sum(pair.share for pair in row.pairs if pair.start == j) == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(row.rows, H.sum(1), rtol=1e-12)
    np.testing.assert_allclose(row.columns, H.sum(0), rtol=1e-12)
    assert row.gain == pytest.approx(np.linalg.norm(H, 2))


def test_collapse_is_seen(rng):
    """A matrix that sends all to stream 0: after it, one stream carries everything; equal streams have cosine 1."""
    X = mg.tensor(rng.standard_normal((4, 5)), requires_grad=True)
    collapse = np.zeros((4, 4))
    collapse[0] = 1
    h = skip.stream_mix(mg.tensor(collapse), X)
    ledger = inspect.stream_ledger(skip.stream_mix(mg.tensor(np.eye(4)), h).sum())
    assert ledger[0].effective > 2
    assert ledger[1].effective == pytest.approx(1)
    assert ledger[0].effective_gradient == pytest.approx(4)  # backward, all get the same from stream 0
    equal = skip.to_streams(X[0], 3)
    assert inspect.stream_ledger(skip.stream_mix(mg.tensor(np.eye(3)), equal).sum())[0].alike == pytest.approx(1)


def test_the_gain_of_all_mixes(rng):
    y, _, made = linear_streams(rng, 3, 4)
    ledger = inspect.stream_ledger(y, np.ones(y.shape))
    product = np.linalg.multi_dot([A for A, _, _ in reversed(made)])
    assert ledger.gain == pytest.approx(np.linalg.norm(product, 2))
    assert "stretch" in str(ledger)


def test_a_matrix_for_each_place(rng):
    mg.manual_seed(0)
    layer = nn.HyperConnection(nn.Linear(3, 3), 2, dim=3).double()
    X = skip.to_streams(mg.tensor(rng.standard_normal((5, 3)), requires_grad=True), 2)
    ledger = inspect.stream_ledger(layer(X).square().sum())
    assert ledger[0].gain is None
    assert len(ledger.pairs) == 4
    assert "no mix" in str(inspect.stream_ledger(layer.branch(X).sum()))


def test_the_ledger_has_a_row_for_each_hyper_connection(rng):
    net = nn.Sequential(*(nn.HyperConnection(nn.Linear(3, 3), 2, layer=i) for i in range(3))).double()
    X = mg.tensor(rng.standard_normal((2, 5, 3)), requires_grad=True)
    ledger = inspect.trace(net(X).square().sum()).ledger()
    assert [row.name for row in ledger] == ["0", "1", "2"]
    assert ledger.conserved


@pytest.mark.parametrize(
    ("join", "kind"),
    [
        (lambda s, b: skip.stochastic_add(s, b, 2.0), "drop"),
        (lambda s, b: skip.orthogonal_add(s, b), "project"),
        (lambda s, b: skip.depth_mix([s, b], mg.tensor([0.25, 0.75])), "mix"),
    ],
)
def test_the_newer_joins_have_rows_and_path_lengths(rng, join, kind):
    x = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
    W = mg.tensor(rng.standard_normal((3, 3)), requires_grad=True)
    y = x
    for _ in range(3):
        s, b = skip.fork(y)
        y = join(s, b @ W)
    g = rng.standard_normal((2, 3))
    paths = inspect.path_lengths(y, wrt=x, gradient=g)
    ledger = inspect.trace(y, g).ledger()
    assert [row.kind for row in ledger] == [kind] * 3
    assert ledger.conserved
    assert paths.counts == [1, 3, 3, 1]
    np.testing.assert_allclose(paths.total, x.grad.array, rtol=1e-12)


def test_path_lengths_over_depth(rng):
    """Each layer reads a weighted sum of all before it; every join and reading counted, against backward."""
    x = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
    values, weights = [x], []
    for count in range(1, 4):
        W = mg.tensor(rng.standard_normal((3, 3)), requires_grad=True)
        w = mg.tensor(rng.dirichlet(np.ones(count)))
        values.append((skip.depth_mix(values, w) @ W).tanh())
        weights.append(w)
    y = skip.depth_mix(values, mg.tensor(rng.dirichlet(np.ones(4))))
    g = rng.standard_normal((2, 3))
    paths = inspect.path_lengths(y, wrt=x, gradient=g)
    y.backward(g)
    np.testing.assert_allclose(paths.total, x.grad.array, rtol=1e-12)
    assert len(paths) > 2
