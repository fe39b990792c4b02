"""The receipt: parts that sum to each parameter's gradient, the mean length by the weights, and short paths alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn, skip

from .nets import ResNet


def relu_net(blocks=5, width=6, seed=0):
    """A bias-free residual ReLU net with a stem and a head, in doubles."""
    mg.manual_seed(seed)

    def linear():
        return nn.Linear(width, width, bias=False)

    branches = [nn.Sequential(linear(), nn.ReLU(), linear()) for _ in range(blocks)]
    return nn.Sequential(linear(), *(nn.Residual(b) for b in branches), linear()).double()


def batch(count=7, width=6, seed=3):
    return mg.tensor(np.random.default_rng(seed).standard_normal((count, width)))


def test_parts_sum_to_the_gradient():
    net, x = relu_net(), batch()
    loss = F.cross_entropy(net(x), mg.tensor(np.arange(7) % 6))
    bill = inspect.receipt(loss, net)
    loss.backward()
    assert len(bill) == len(list(net.parameters()))
    for name, p in net.named_parameters():
        np.testing.assert_allclose(bill[name].total, p.grad.array, rtol=0, atol=1e-14)
        np.testing.assert_allclose(sum(bill[name].parts), p.grad.array, rtol=0, atol=1e-14)
    size = sum(float((p.grad.array**2).sum()) for p in net.parameters())
    assert bill.contributions.sum() == pytest.approx(size, rel=1e-12)
    assert sum(brought.sum() for brought in bill.by_block().values()) == pytest.approx(size, rel=1e-12)


def test_parts_against_all_routes():
    """The gradient of the stem, by brute force: which blocks' branches a route crosses is chosen in all 2^n ways."""
    net, x = relu_net(blocks=4), batch(1)
    y = net(x)
    bill = inspect.receipt(y.sum(), net)
    by_count = [np.zeros((6, 6)) for _ in range(5)]
    for chosen in itertools.product((0, 1), repeat=4):
        through = [i for i, crosses in enumerate(chosen) if crosses]
        g = inspect.route(y.sum(), net[0].weight, through=through)
        by_count[len(through)] += g
    for k, expected in enumerate(by_count):
        np.testing.assert_allclose(bill["0.weight"].parts[k], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_f1_the_weights_know_the_mean_length(seed):
    """Euler: on bias-free ReLU nets, sum_b <W_b, dW_b> = sum_k k <x, g_k>, whatever stands behind the blocks."""
    net = relu_net(seed=seed)
    loss = F.cross_entropy(net(batch(seed=seed)), mg.tensor(np.arange(7) % 6))
    bill = inspect.receipt(loss, net)
    assert bill.mean_length == pytest.approx(bill.mean_length_of_input, rel=1e-12)


def test_f3_the_mean_length_of_a_linear_net():
    """Each branch a times the identity: the mean length is n a / (1 + a), for every example and every stem's weight."""
    n, a = 54, 0.1
    net = nn.Sequential(nn.Linear(2, 2).double(), *(nn.Residual(lambda b: a * b) for _ in range(n)))
    bill = inspect.receipt(net(batch(3, 2)).sum(), net)
    expected = n * a / (1 + a)
    assert bill.mean_length_of_input == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(bill.examples, expected, rtol=1e-12)
    assert bill["0.weight"].mean_length == pytest.approx(expected, rel=1e-12)
    assert np.isnan(bill.mean_length)  # these branches have no weights


def test_a_weight_in_a_branch_crosses_it():
    net = relu_net(blocks=2)
    bill = inspect.receipt(net(batch()).sum(), net)
    assert not bill["1.branch.0.weight"].parts[0].any()
    assert bill["1.branch.0.weight"].parts[2].any()
    assert not bill["2.branch.0.weight"].parts[2].any()  # the last block's lie behind no other branch
    assert [np.flatnonzero([p.any() for p in bill["3.weight"].parts]).tolist()] == [[0]]  # nor does the head


def test_the_bill_adds_up_as_it_is_printed():
    net = relu_net(blocks=12)
    bill = inspect.receipt(net(batch()).sum(), net)
    table = bill.table()
    cells = np.array([[float(c) for c in row[1:-1]] for row in table.rows])
    np.testing.assert_allclose(cells[:-1].sum(0), cells[-1], rtol=1e-12)
    np.testing.assert_allclose(cells[:, :-1].sum(1), cells[:, -1], rtol=1e-12, atol=1e-9)
    assert max(map(len, str(bill).splitlines())) <= 80


def test_by_class():
    net, labels = relu_net(), mg.tensor(np.arange(7) % 3)
    bill = inspect.receipt(F.cross_entropy(net(batch()), labels, reduction="sum"), net)
    means = bill.by_class(labels)
    assert list(means) == [0, 1, 2]
    assert means[1] == pytest.approx(bill.examples[[1, 4]].mean())
    with pytest.raises(ValueError, match="labels"):
        bill.by_class([1, 2])


def test_an_example_alone_has_the_length_that_it_has_in_the_batch():
    """Where no norm mixes the examples."""
    net, x = relu_net(), batch()
    whole = inspect.receipt(net(x).square().sum(), net).examples
    alone = [inspect.receipt(net(x[i : i + 1]).square().sum(), net).examples[0] for i in range(7)]
    np.testing.assert_allclose(whole, alone, rtol=1e-9)


def test_a_net_as_it_is_written_for_pytorch():
    mg.manual_seed(0)
    net = ResNet().double()
    loss = net(mg.randn(2, 2, 8, 8, dtype=mg.float64)).square().sum()
    bill = inspect.receipt(loss, net)
    loss.backward()
    for name, p in net.named_parameters():
        np.testing.assert_allclose(bill[name].total, p.grad.array, rtol=1e-9, atol=1e-9)
    assert "layer1.0" in bill.by_block()


@pytest.mark.parametrize("up_to", range(6))
def test_short_paths_only(up_to):
    net, x = relu_net(blocks=4), batch()
    bill = inspect.receipt(net(x).sum(), net)
    inspect.short_path_gradients(net(x).sum(), net.parameters(), up_to=up_to)
    for name, p in net.named_parameters():
        expected = sum(bill[name].parts[: up_to + 1])
        found = np.zeros_like(expected) if p.grad is None else p.grad.array
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_short_paths_add_to_what_is_there():
    x = mg.tensor([1.0], requires_grad=True)
    s, b = skip.fork(x)
    loss = skip.residual_add(s, 3 * b).sum()
    for _ in range(2):
        inspect.short_path_gradients(loss, [x], up_to=1)
    assert x.grad.tolist() == [8.0]
    with pytest.raises(ValueError, match="up_to"):
        inspect.short_path_gradients(loss, [x], up_to=-1)
