"""The gradient by path length is exact: against brute force, formulas, and the gradient itself."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from inspect_nets import ConvBlocks, DenseNet, LinearNet, Transformer, UNet, randn

import minigrad as mg
from minigrad import inspect, nn, skip


def by_brute_force(loss, x, n):
    """All 2^n routes, each by an engine's pass in which every other way is cut."""
    names = inspect.path_lengths(loss, x).blocks
    sums = [np.zeros(x.shape) for _ in range(n + 1)]
    for crossed in product((False, True), repeat=n):
        through = [name for name, yes in zip(names, crossed, strict=True) if yes]
        sums[len(through)] += inspect.route(loss, x, through=through)
    return sums


@pytest.mark.parametrize("n", [1, 4, 7])
def test_against_brute_force_on_conv_norm_relu_and_projection(n):
    """E2."""
    x = randn(2, 2, 4, 4)
    loss = ConvBlocks(n).double()(x).square().sum()
    paths = inspect.path_lengths(loss, wrt=x)
    assert paths.counts == [comb(n, k) for k in range(n + 1)]
    size = np.linalg.norm(paths.total)
    for found, expected in zip(paths.gradients, by_brute_force(loss, x, n), strict=True):
        assert np.linalg.norm(found - expected) < 1e-12 * size
    (true,) = mg.grad(loss, x)
    assert np.linalg.norm(paths.total - true.array) < 1e-12 * size


def jacobian(f, h):
    """The Jacobian of a part of a net, a row for each element of its output."""
    leaf = mg.tensor(h.array, dtype=mg.float64, requires_grad=True)
    y = f(leaf)
    rows = np.eye(y.array.size)
    return np.array([mg.grad(y, leaf, row.reshape(y.shape), retain_graph=True)[0].array.ravel() for row in rows])


@pytest.mark.parametrize("training", [True, False], ids=["batch statistics", "running statistics"])
def test_ten_blocks_of_conv_norm_relu_and_projection_against_all_1024_routes(training):
    """E2 at n = 10: each way of each block is a matrix, and a route is a product of ten of them."""
    n = 10
    net = ConvBlocks(n).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.array[:] = np.random.default_rng(n).uniform(0.5, 1.5, module.weight.shape)
            module.running_var.array[:] = 2.0
    net.train(training)
    x = randn(2, 2, 4, 4)
    h, ways = x.detach(), []
    for block in net.blocks:
        shortcut = block.shortcut or (lambda s: s * 1)
        joined = shortcut(h) + block.branch(h)
        mask = (joined.array > 0).ravel()
        ways.append([mask[:, None] * jacobian(way, h) for way in (shortcut, block.branch)])
        h = block.after(joined)
    routes, crossed = (2 * h.array).reshape(1, -1), np.zeros(1, dtype=int)
    for over_skip, through_branch in reversed(ways):  # a route's number: the first block is its highest digit
        routes = np.concatenate([routes @ over_skip, routes @ through_branch])
        crossed = np.concatenate([crossed, crossed + 1])
    assert len(routes) == 2**n
    loss = net(x).square().sum()
    paths = inspect.path_lengths(loss, wrt=x)
    size = np.linalg.norm(paths.total)
    assert paths.counts == [comb(n, k) for k in range(n + 1)]
    for k, found in enumerate(paths.gradients):
        assert np.linalg.norm(found.ravel() - routes[crossed == k].sum(0)) < 1e-12 * size
    for number in (0, 1, 512, 0b1010011001, 1023):
        through = [name for i, name in enumerate(paths.blocks) if number >> (n - 1 - i) & 1]
        one = inspect.route(loss, x, through=through)
        assert np.linalg.norm(one.ravel() - routes[number]) < 1e-12 * size
    (true,) = mg.grad(loss, x)
    assert np.linalg.norm(paths.total - true.array) < 1e-12 * size


def test_ten_blocks_against_brute_force_written_down():
    """E2 at n = 10, by products of Jacobians and with no engine."""
    n, width = 10, 3
    rng = np.random.default_rng(0)
    x = randn(width)
    h, jacobians = x, []
    for _ in range(n):
        w1, w2 = rng.standard_normal((2, width, width)) / 2
        s, b = skip.fork(h)
        hidden = mg.tensor(w1) @ b
        jacobians.append(w2 @ np.diag((hidden.array > 0).astype(float)) @ w1)
        h = skip.residual_add(s, mg.tensor(w2) @ hidden.relu())
    g = rng.standard_normal(width)
    paths = inspect.path_lengths(h, x, gradient=g)
    sums = np.zeros((n + 1, width))
    for route in product((0, 1), repeat=n):
        carried = g
        for crosses, jacobian in zip(reversed(route), reversed(jacobians), strict=True):
            carried = carried @ jacobian if crosses else carried
        sums[sum(route)] += carried
    np.testing.assert_allclose(paths.gradients, sums, rtol=0, atol=1e-12 * np.linalg.norm(paths.total))


def test_linear_residual_net_of_54_blocks():
    """E1: routes that cross k branches carry C(n, k) a^k; E3: so many routes of each length."""
    n, a = 54, 0.1
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    paths = inspect.path_lengths(LinearNet(n, a)(x).sum(), wrt=x)
    np.testing.assert_allclose(paths.norms, [comb(n, k) * a**k for k in range(n + 1)], rtol=1e-12)
    assert abs(paths.total[0] / 171.871948 - 1) < 1e-8
    assert abs(paths.total[0] / (1 + a) ** n - 1) < 1e-12
    assert paths.counts == [comb(n, k) for k in range(n + 1)]
    assert all(type(count) is int for count in paths.counts)
    assert sum(paths.counts) == 2**54
    assert round(100 * sum(paths.counts[5:18]) / 2**54, 4) == 0.4537
    assert round(100 * sum(paths.counts[19:36]) / 2**54, 1) == 98.0


def test_the_cost_is_at_most_n_plus_one_passes():
    calls = []

    class Counted(mg.Node):
        def forward(self, x):
            return 0.5 * x

        def backward(self, gy):
            calls.append(1)
            return 0.5 * gy

    n = 6
    x = h = randn(2)
    for _ in range(n):
        s, b = skip.fork(h)
        h = skip.residual_add(s, Counted()(b))
    inspect.path_lengths(h.sum(), x)
    assert len(calls) == n * (n + 1) // 2 <= n * (n + 1)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: UNet().double()(x.reshape(1, 1, 8, 8)), [1, 1, 1]),
        (lambda x: DenseNet(4).double()(x.reshape(32, 2)), [comb(4, k) for k in range(5)]),
        (lambda x: (x + x.tanh()) + x, [1, 1, 1]),
    ],
)
def test_implicit_skips(build, expected):
    x = randn(64)
    loss = build(x).square().sum()
    paths = inspect.path_lengths(loss, x)
    (true,) = mg.grad(loss, x)
    np.testing.assert_allclose(paths.total, true.array, rtol=0, atol=1e-13 * np.linalg.norm(true.array))
    assert paths.counts == expected


def test_dense_concatenations():
    """E14: 2^(L-1) routes reach layer L."""
    layers = 7
    net = nn.Sequential(*(nn.SkipConcat(nn.Linear(2 + i, 1)) for i in range(layers - 1))).double()
    x = randn(3, 2)
    paths = inspect.path_lengths(net(x).square().sum(), x)
    assert sum(paths.counts) == 2 ** (layers - 1)


def test_nested_branches_count_each():
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    inner = nn.Residual(lambda b: 3.0 * b)
    outer = nn.Residual(lambda b: inner(2.0 * b))
    paths = inspect.path_lengths(outer(x).sum(), x)
    assert [g[0] for g in paths.gradients] == [1, 2, 6]
    assert paths.counts == [1, 1, 1]


def test_attention_without_a_norm_is_one_branch_and_not_three():
    net = Transformer(pre=False).double()
    loss = net(mg.tensor([[0, 1, 2]])).square().sum()
    paths = inspect.path_lengths(loss, wrt=net.embedded)
    assert paths.counts == [1, 4, 6, 4, 1]


def test_a_parameter_inside_a_branch():
    net = ConvBlocks(3).double()
    loss = net(randn(2, 2, 4, 4)).square().sum()
    weight = net.blocks[1].branch[0].weight
    paths = inspect.path_lengths(loss, weight)
    assert paths.counts == [0, 1, 1]
    assert paths.norms[0] == 0
    loss.backward()
    np.testing.assert_allclose(paths.total, weight.grad.array, rtol=1e-12)


def test_signed_contributions_sum_to_the_whole(mixed):
    loss, x, _ = mixed
    paths = inspect.path_lengths(loss, x)
    size = np.linalg.norm(paths.total)
    np.testing.assert_allclose(paths.contributions.sum(), size**2, rtol=1e-12)
    np.testing.assert_allclose(paths.contributions, [np.vdot(g, paths.total) for g in paths.gradients], rtol=1e-12)
    np.testing.assert_allclose(paths.shares.sum(), 1, rtol=1e-12)
    assert 0 < paths.mean_length < 3


def test_cancellation_shows():
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    s, b = skip.fork(x)
    paths = inspect.path_lengths(skip.residual_add(s, -0.75 * b).sum(), x)
    assert paths.norms.tolist() == [1, 0.75]
    assert paths.contributions.tolist() == [0.25, -0.1875]
    assert paths.shares.tolist() == [4, -3]


def test_a_total_of_zero_has_no_shares():
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    s, b = skip.fork(x)
    paths = inspect.path_lengths(skip.residual_add(s, -1.0 * b).sum(), x)
    assert np.isnan(paths.shares).all()


def test_one_block_by_name(resnet):
    loss, x, _ = resnet
    whole = inspect.path_lengths(loss, x)
    one = inspect.path_lengths(loss, x, blocks="layer1.1")
    assert one.blocks == ["layer1.1"]
    assert one.counts == [1, 1]
    with inspect.cut("branch", "layer1.1"):
        around = mg.grad(loss, x, retain_graph=True)[0].array
    np.testing.assert_allclose(one.gradients[0], around, rtol=1e-12)
    np.testing.assert_allclose(one.total, whole.total, rtol=0, atol=1e-13 * np.linalg.norm(whole.total))


def test_groups(resnet):
    loss, x, _ = resnet
    paths = inspect.path_lengths(loss, x, groups={"early": "layer1", "late": ["layer2.0", "layer2.1"]})
    assert list(paths.groups) == ["early", "late"]
    for name, part in paths.groups.items():
        assert part.counts == [1, 2, 1]
        np.testing.assert_allclose(part.total, paths.total, rtol=0, atol=1e-13 * np.linalg.norm(paths.total))
        assert f"{name}: mean length" in str(paths)
    mean = sum(part.mean_length for part in paths.groups.values())
    assert abs(mean - paths.mean_length) < 1e-12


def test_routes_by_name(resnet):
    loss, x, _ = resnet
    one = inspect.path_lengths(loss, x).gradients[1]
    each = [inspect.route(loss, x, through=name) for name in ("layer1.0", "layer1.1", "layer2.0", "layer2.1")]
    np.testing.assert_allclose(sum(each), one, rtol=0, atol=1e-13 * np.linalg.norm(one))
    assert inspect.route(loss, x, through=[]).shape == x.shape


def test_the_graph_and_the_gradients_are_left_alone(mixed):
    loss, x, net = mixed
    inspect.path_lengths(loss, x)
    inspect.path_lengths(loss, x, gradient=1.0)
    assert x.grad is None
    assert all(p.grad is None for p in net.parameters())
    loss.backward()


def test_tables(mixed):
    paths = inspect.path_lengths(mixed[0], mixed[1])
    assert "8 routes through 3 blocks" in str(paths)
    assert "<table>" in paths._repr_html_()
    assert [record["routes"] for record in paths.to_dict()] == [1, 3, 3, 1]
    assert not paths.gradients[0].flags.writeable
    assert not paths.total.flags.writeable


@pytest.mark.parametrize(
    ("factor", "says"), [(-1.0, "the lengths cancel"), (0.0, "zero"), (float("inf"), "not finite")]
)
def test_a_gradient_without_shares(factor, says, recwarn):
    x = randn(2)
    s, b = skip.fork(x)
    loss = (skip.residual_add(s, b * factor) * (factor != 0)).sum()
    text = str(inspect.path_lengths(loss, x))
    assert says in text
    assert "nan %" not in text
    assert "routes through 1 block;" in text
    assert not recwarn.list


def test_csv(mixed, tmp_path):
    paths = inspect.path_lengths(mixed[0], mixed[1])
    paths.to_csv(tmp_path / "paths.csv")
    assert (tmp_path / "paths.csv").read_text().splitlines()[0] == "length,routes,norm,contribution,share"


def test_bad_input(mixed):
    loss, x, net = mixed
    with pytest.raises(mg.OperationError, match="doesn't depend on wrt"):
        inspect.path_lengths(loss, randn(2))
    with pytest.raises(mg.OperationError, match="non-scalar"):
        inspect.path_lengths(net(x), x)
    with pytest.raises(mg.OperationError, match="no skip connection in this graph"):
        inspect.path_lengths(x.tanh().sum(), x)
    loss.backward()
    with pytest.raises(mg.OperationError, match=r"freed by an earlier backward.*\n.*at .*conftest.py"):
        inspect.path_lengths(loss, x)
