"""Writes in place: values for every alias, history for what was written; the right values are PyTorch's."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn, skip


def w():
    return mg.tensor([2.0, 3.0], requires_grad=True)


def weighted(x):
    """A scalar that tells elements apart."""
    return (x * mg.arange(1.0, x.numel() + 1).reshape(x.shape)).sum()


def ones():
    return mg.ones(2, 2)


def mask():
    return mg.tensor([[True, False], [False, True]])


# What is written into a buffer, and the gradient of [2, 3] that PyTorch gives for the weighted sum of the buffer.
CARRIED = {
    "setitem": (lambda b, x: b.__setitem__(0, x * 2), [2, 4]),
    "slice +=": (lambda b, x: b[:1].__iadd__(x), [1, 2]),
    "copy_": (lambda b, x: b.copy_(x), [4, 6]),
    "add_": (lambda b, x: b.add_(x, alpha=3), [12, 18]),
    "sub_": (lambda b, x: b.sub_(x), [-4, -6]),
    "mul_": (lambda b, x: b.mul_(x), [4, 6]),
    "div_": (lambda b, x: b.div_(x), [-1, -2 / 3]),
    "mask": (lambda b, x: b.__setitem__(mask(), x), [1, 4]),
    "masked_scatter_": (lambda b, x: b.masked_scatter_(mask(), x), [1, 4]),
    "masked_fill_": (lambda b, x: b.masked_fill_(mask(), x[0]), [5, 0]),
    "addcmul_": (lambda b, x: b.addcmul_(x, x, value=0.5), [8, 18]),
    "addcdiv_": (lambda b, x: b.addcdiv_(x, x.detach() * 2), [1, 1]),
    "lerp_": (lambda b, x: b.lerp_(x.expand(2, 2), 0.25), [1, 1.5]),
    "index_fill_": (lambda b, x: b.index_fill_(0, mg.tensor([1]), x[1]), [0, 7]),
    "index_copy_": (lambda b, x: b.index_copy_(0, mg.tensor([1]), x[None]), [3, 4]),
    "index_add_": (lambda b, x: b.index_add_(0, mg.tensor([1, 1]), x.expand(2, 2)), [6, 8]),
    "index_put_": (lambda b, x: b.index_put_((mg.tensor([0, 1]), mg.tensor([1, 0])), x), [2, 3]),
    "scatter_": (lambda b, x: b.scatter_(1, mg.tensor([[1], [0]]), x[:, None]), [2, 3]),
    "scatter_add_": (lambda b, x: b.scatter_add_(1, mg.tensor([[1], [0]]), x[:, None]), [2, 3]),
    "a view's view": (lambda b, x: b.t()[1:].reshape(2).mul_(x), [2, 4]),
    "diagonal": (lambda b, x: b.diagonal().add_(x), [1, 4]),
    "an unsqueezed view": (lambda b, x: b.unsqueeze(0)[0, :, 0].sub_(x), [-1, -3]),
}


@pytest.mark.parametrize("name", CARRIED)
def test_a_write_into_a_buffer_carries_the_gradient(name):
    write, expected = CARRIED[name]
    x, buffer = w(), ones()
    write(buffer, x)
    weighted(buffer).backward()
    np.testing.assert_allclose(x.grad.tolist(), expected, rtol=1e-6)


def test_states_that_are_stored_in_a_buffer():
    """The loop of every encoder in a tutorial."""
    x = w()
    states, h = mg.zeros(3, 2), x
    stacked = []
    for t in range(3):
        h = mg.tanh(0.5 * h)
        states[t] = h
        stacked.append(h)
    weighted(states).backward()
    got, x.grad = x.grad, None
    h = x
    weighted(mg.stack([h := mg.tanh(0.5 * h) for _ in range(3)])).backward()
    np.testing.assert_allclose(got.tolist(), x.grad.tolist(), rtol=1e-6)
    assert len(stacked) == 3


@pytest.mark.parametrize("relu", [nn.ReLU(inplace=True), lambda h: F.relu(h, inplace=True), lambda h: h.relu_()])
def test_an_activation_in_place_acts(relu):
    x = mg.tensor([-1.0, 2.0], requires_grad=True)
    h = x * 1
    (relu(h) + 10 * h).sum().backward()
    assert x.grad.tolist() == [0, 11]
    assert h.tolist() == [0, 2]


@pytest.mark.parametrize(
    "layer",
    [
        nn.LeakyReLU(0.1, True),
        nn.ELU(inplace=True),
        nn.SELU(True),
        nn.SiLU(True),
        nn.Hardtanh(inplace=True),
        nn.ReLU6(True),
    ],
)
def test_layers_in_place_give_what_they_give_elsewhere(layer):
    x = mg.tensor([-1.0, 0.5, 9.0], requires_grad=True)
    h = x * 1
    y = layer(h)
    assert y is h
    weighted(y).backward()
    got, x.grad, layer.inplace = x.grad, None, False
    weighted(layer(x * 1)).backward()
    np.testing.assert_array_equal(got.array, x.grad.array)


def test_every_alias_sees_a_write():
    x = mg.zeros(2, 2)
    v = x[0]
    v += 1
    assert x.tolist() == [[1, 1], [0, 0]]
    norm = nn.BatchNorm1d(2)
    mean = norm.running_mean
    mean += 1
    assert norm.running_mean.tolist() == [1, 1]
    p = w()
    (p * p).sum().backward()
    g = p.grad
    g *= 0
    assert p.grad.tolist() == [0, 0]

    def function(a):
        a += 1

    function(x)
    assert x.tolist() == [[2, 2], [1, 1]]
    array = np.zeros(2, np.float32)
    mg.from_numpy(array).add_(3)
    assert array.tolist() == [3, 3]
    d = x.detach()
    d.zero_()
    assert x.sum().item() == 0


def test_a_view_follows_a_later_write_to_its_base():
    x = w()
    h = x * 1
    first, whole = h[0], h.view(2, 1)
    h.mul_(x)
    (5 * first).backward(retain_graph=True)
    assert x.grad.tolist() == [20, 0]
    x.grad = None
    weighted(whole).backward()
    assert x.grad.tolist() == [4, 12]


def test_a_view_of_a_plain_buffer_follows_too():
    x, buffer = w(), mg.zeros(2)
    view = buffer.view(2, 1)
    assert not view.requires_grad
    buffer.add_(x)
    assert view.requires_grad
    weighted(view).backward()
    assert x.grad.tolist() == [1, 2]


def test_mixed_keys_mean_what_they_mean_in_reading():
    x, v = mg.zeros(2, 3, 4), mg.arange(6.0).reshape(3, 2)
    x[0, :, [0, 1]] = mg.arange(6.0).reshape(x[0, :, [0, 1]].shape)
    before = x.clone()
    x[0, :, [0, 1]] += 1
    assert x[0, :, [0, 1]].tolist() == (before[0, :, [0, 1]] + 1).tolist()
    x[1, [0, 2], 1:3] = v[:2]
    assert x[1, 2, 1:3].tolist() == [2, 3]


def test_values_change_and_history_does_not_under_no_grad():
    x = w()
    h = x * 2
    with mg.no_grad():
        h.mul_(10)
    h.sum().backward()
    assert h.tolist() == [40, 60]
    assert x.grad.tolist() == [2, 2]


def test_data_is_a_tensor_on_the_same_memory():
    x = w()
    x.data -= 0.5 * mg.ones(2)
    assert x.tolist() == [1.5, 2.5]
    assert x.is_leaf
    assert x.requires_grad
    assert not x.data.requires_grad
    x.data.normal_().fill_(3)
    assert x.tolist() == [3, 3]
    x.data = x.data * 2
    assert x.tolist() == [6, 6]
    assert mg.tensor([[1.0, 3.0], [5.0, 2.0]]).data.max(1)[1].tolist() == [1, 0]
    assert np.mean(x.data) == 6
    with pytest.raises(TypeError, match="from_numpy"):
        x.data = np.zeros(2)


def test_hooks_stay_with_the_value_and_retain_grad_moves():
    x, seen = w(), []
    h = x * 2
    h.register_hook(lambda g: seen.append(g.tolist()))
    h.retain_grad()
    h.mul_(3)
    (h * h).sum().backward()
    assert seen == [[72, 108]]
    assert h.grad.tolist() == [24, 36]
    assert x.grad.tolist() == [144, 216]


def test_the_ways_of_a_fork_are_values_of_their_own():
    x = w()
    h = x * 1
    s, b = skip.fork(h)
    b.mul_(10)
    assert (s.tolist(), b.tolist(), h.tolist()) == ([2, 3], [20, 30], [2, 3])
    skip.residual_add(s, b).sum().backward()
    assert x.grad.tolist() == [11, 11]
    h = x * 1
    s, b = skip.fork(h)
    h.zero_()
    assert s.tolist() == b.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda x: x.add_(1), "a leaf Variable that requires grad.*no_grad"),
        (lambda x: x.__setitem__(0, 1.0), "a leaf Variable"),
        (lambda x: x.view(2, 1).mul_(2), "a view of a leaf Variable"),
        (lambda x: next(iter(x * 1)).add_(1), "one of several views"),
        (lambda x: (x * 1).reshape(2, 1).chunk(2)[0].add_(1), "one of several views"),
        (lambda x: mg.ones(2).expand(3, 2).add_(1), "clone"),
        (lambda x: mg.zeros(2, dtype=mg.int64).add_(1.5), "can't be cast.*float()"),
        (lambda x: mg.zeros(2).add_(mg.ones(3, 2)), r"\(3, 2\).*\(2,\)"),
        (lambda x: mg.zeros(2).masked_fill_(mg.zeros(2), 1), "boolean"),
    ],
)
def test_what_can_not_be_written_says_so(write, message):
    with pytest.raises(mg.OperationError, match=message):
        write(w())


def test_an_optimiser_in_a_users_own_words():
    p = nn.Parameter(mg.ones(2))
    (p * p).sum().backward()
    with mg.no_grad():
        p -= 0.1 * p.grad
        p.mul_(2)
    np.testing.assert_allclose(p.tolist(), [1.6, 1.6], rtol=1e-6)
    assert p.is_leaf


@pytest.mark.parametrize("inplace", [True, False])
def test_the_residual_line_of_public_files_is_a_join_either_way(inplace):
    """``out += identity`` as torchvision writes it: ledger and path lengths see what they see of ``out + identity``."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(2)
            self.relu = nn.ReLU(inplace=inplace)
            self.conv2 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(2)

        def forward(self, x):
            identity = x
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            if inplace:
                out += identity
            else:
                out = out + identity
            return self.relu(out)

    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 1), Block(), Block())
    x = mg.randn(2, 1, 4, 4, dtype=mg.float32, requires_grad=True)
    loss = weighted(net(x))
    kinds = [type(step.node).__name__ for step in mg.backward_steps(loss, retain_graph=True)]
    ledger = inspect.trace(loss, retain_graph=True).ledger()
    assert ledger.conserved
    assert [row.name for row in ledger] == ["1", "2"]
    assert [row.join.partition("#")[0] for row in ledger] == ["Add", "Add"]
    assert kinds.count("Add") == 2
    paths = inspect.path_lengths(loss, wrt=x)
    assert paths.counts == [1, 2, 1]
    np.testing.assert_allclose(paths.total, x.grad.array / 2, rtol=1e-4, atol=1e-6)


def test_both_ways_to_write_a_block_give_the_same_bits():
    def grads(inplace):
        mg.manual_seed(1)
        first, second = nn.Linear(4, 4), nn.Linear(4, 4)
        x = mg.randn(3, 4, requires_grad=True)
        h = first(x)
        h = F.relu(h, inplace=inplace)
        out = second(h)
        if inplace:
            out += x
            out.mul_(0.5)
        else:
            out = (out + x) * 0.5
        weighted(out).backward()
        return [t.grad.array.tobytes() for t in (x, first.weight, second.weight, second.bias)]

    assert grads(True) == grads(False)


def test_copies_of_a_model_and_pickles_know_no_views():
    layer = nn.Linear(2, 2)
    layer.weight.data[0]
    twin = copy.deepcopy(layer)
    assert twin.weight.tolist() == layer.weight.tolist()


@pytest.mark.parametrize(
    ("make", "shape", "dtype"),
    [
        (lambda: mg.Tensor(3), (3,), np.float32),
        (lambda: mg.Tensor(2, 3), (2, 3), np.float32),
        (lambda: mg.Tensor([2, 3]), (2,), np.float32),
        (lambda: mg.Tensor(), (0,), np.float32),
        (lambda: nn.Parameter(mg.Tensor(4)), (4,), np.float32),
        (lambda: mg.FloatTensor(np.arange(3)), (3,), np.float32),
        (lambda: mg.LongTensor([1, 2]), (2,), np.int64),
        (lambda: mg.ByteTensor(2, 2), (2, 2), np.uint8),
        (lambda: mg.DoubleTensor([[1.0]]), (1, 1), np.float64),
    ],
)
def test_older_constructors(make, shape, dtype):
    x = make()
    assert x.shape == shape
    assert x.dtype == dtype
    assert x.requires_grad == isinstance(x, nn.Parameter)


def test_older_constructors_refuse_what_pytorch_refuses():
    for call in (lambda: mg.Tensor(3.5), lambda: mg.Tensor([1], [2]), lambda: mg.FloatTensor(None)):
        with pytest.raises(TypeError, match="takes sizes"):
            call()
    assert isinstance(mg.zeros(2), mg.FloatTensor)
    assert not isinstance(mg.zeros(2), mg.LongTensor)
    assert mg.zeros(2).type(mg.LongTensor).dtype == np.int64


def test_numpy_takes_tensors_outside_the_graph_only():
    x = w()
    for call in (
        lambda: np.asarray(x),
        lambda: np.stack([x, x]),
        lambda: np.mean(x * 2),
        lambda: np.add.reduce(x),
        lambda: np.arctan(x),
    ):
        with pytest.raises(mg.OperationError, match="requires grad"):
            call()
    assert np.mean(mg.ones(2)) == 1
    assert np.stack([mg.ones(2), mg.zeros(2)]).shape == (2, 2)
    y = np.exp(x) + np.array([1.0, 2.0], np.float32) * x
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.exp([2, 3]) + [1, 2], rtol=1e-6)
