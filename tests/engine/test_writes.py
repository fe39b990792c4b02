"""What a wanted gradient reads and someone overwrote raises; what nobody needs, or what is its own, does not."""

from __future__ import annotations

import gc
import re

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.engine import writes


def x2():
    return mg.tensor([2.0, 3.0], requires_grad=True)


def overwritten(x):
    h = x * 2
    y = h * h  # the line that reads
    h.add_(1)  # the line that writes
    return y


def test_the_error_names_the_operation_and_both_lines():
    with pytest.raises(mg.DataChangedError) as caught:
        overwritten(x2()).sum().backward()
    message = str(caught.value)
    assert re.search(r"Mul#\d+.*'[ab]'", message)
    assert "modified by an inplace operation" in message
    assert "the line that reads" in message
    assert "the line that writes" in message
    assert "clone()" in message


def labels():
    return mg.tensor([1, 1])


ALARMS = {
    "an output that its rule keeps": lambda x: _then(x.exp(), lambda y: y.add_(1)),
    "through detach": lambda x: _read(x * 2, lambda h: h.detach().zero_()),
    "through data": lambda x: _read(x * 2, lambda h: h.data.zero_()),
    "through a view": lambda x: _read(x * 2, lambda h: h[:1].detach().zero_()),
    "through numpy's array": lambda x: _read(x * 2, lambda h: mg.from_numpy(h.detach().numpy()).zero_()),
    "an index": lambda x: _index(x),
    "a list of operands": lambda x: _einsum(x),
    "labels": lambda x: _labels(x),
    "under no_grad": lambda x: _read(x * 2, _zero_without_grad),
}


def _then(y, write):
    write(y)
    return y


def _read(h, write):
    y = h * h
    write(h)
    return y


def _zero_without_grad(h):
    with mg.no_grad():
        h.zero_()


def _index(x):
    i = labels()
    y = x[i]
    i.fill_(0)
    return y


def _einsum(x):
    a, b = x * 1, x * 2
    y = mg.einsum("i,i->i", a, b)
    b.zero_()
    return y


def _labels(x):
    t = labels()
    y = F.cross_entropy(mg.stack([x, x]), t, reduction="none")
    t.zero_()
    return y


@pytest.mark.parametrize("name", ALARMS)
def test_what_a_wanted_gradient_reads(name):
    loss = ALARMS[name](x2()).sum()
    with pytest.raises(mg.DataChangedError, match="inplace"):
        loss.backward()


def test_a_step_of_an_optimiser_between_two_passes():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    for optimizer in (mg.optim.SGD(net.parameters(), 0.1), mg.optim.Adam(net.parameters(), 0.1)):
        for _ in range(3):  # by the second step small parameters are bundled
            optimizer.zero_grad()
            y = net(mg.ones(2, 3)).sum()
            y.backward(retain_graph=True)
            optimizer.step()
        with pytest.raises(mg.DataChangedError, match=r"Linear.*'w'"):
            y.backward()


# -- false alarms ------------------------------------------------------------------------------------


def test_optimiser_steps_between_graphs():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = mg.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    for _ in range(4):
        optimizer.zero_grad()
        net(mg.ones(2, 3)).sum().backward()
        optimizer.step()


def test_one_bundle_does_not_alarm_for_its_neighbours():
    """Parameters side by side in one array: a write to one is none to the next."""
    net = nn.ModuleList([nn.Linear(2, 2) for _ in range(6)])
    optimizer = mg.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        sum(layer(mg.ones(1, 2)).sum() for layer in net).backward()
        optimizer.step()
    loss = (net[0](mg.ones(1, 2, requires_grad=True)) ** 2).sum()
    with mg.no_grad():
        net[1].weight.zero_()
    loss.backward(retain_graph=True)
    with mg.no_grad():
        net[0].weight.zero_()
    with pytest.raises(mg.DataChangedError, match="'w'"):
        loss.backward()


def test_running_statistics():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    first, second = net(mg.randn(5, 3)), net(mg.randn(5, 3))
    (first.sum() + second.sum()).backward()


@pytest.mark.parametrize("looked_at", [True, False])
def test_accumulation_of_gradients(looked_at):
    x = x2()
    y = (x * x).sum()
    for _ in range(3):
        y.backward(retain_graph=True)
        if looked_at:
            assert x.grad is not None
    assert x.grad.tolist() == [12, 18]


def test_dropout_and_its_own_output():
    x = x2()
    y = F.dropout(x * 1, 0.5, inplace=True)
    (y.sigmoid_() * 1).sum().backward()


def test_what_only_an_unwanted_gradient_would_read():
    x, constant = x2(), mg.tensor([1.0, 2.0])
    h = x * 2
    a = h * constant
    h.add_(1)
    (a + h).sum().backward()
    assert x.grad.tolist() == [4, 6]


def test_first_layer_weights_with_retain_graph():
    layer = nn.Linear(3, 1)
    optimizer = mg.optim.SGD(layer.parameters(), 0.1)
    for _ in range(3):
        y = layer(mg.ones(2, 3)).sum()
        y.backward(retain_graph=True)
        optimizer.step()
        y.backward()
        optimizer.zero_grad()


def test_einsum_with_a_constant():
    x, constant = x2(), mg.tensor([1.0, 2.0])
    h = x * 2
    y = mg.einsum("i,i->i", h, constant)
    h.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_a_write_to_other_memory():
    x, other = x2(), mg.zeros(2)
    y = x * x
    other.add_(1)
    y.sum().backward()


def test_notes_go_away_with_their_array():
    x = mg.zeros(3)
    alias = x.detach()
    x.add_(1)
    key = id(writes.owner_of(x.array))
    assert key in writes._notes
    del x, alias
    gc.collect()
    assert key not in writes._notes


def test_nodes_are_numbered_without_gaps_whoever_writes():
    x = x2()
    first = (x * 1).node.index
    buffer = mg.zeros(2)
    alias = buffer.detach()
    buffer.add_(1)
    assert alias.tolist() == [1, 1]
    assert (x * 1).node.index == first + 1


def test_a_hook_returns_a_gradient_or_is_named():
    x = x2()

    def shape_changer(gradient):
        return gradient[:1]

    for tensor, loss in ((x, lambda: x * 1), (None, None)):
        if tensor is None:
            h = x.detach().requires_grad_() * 1
            h.register_hook(shape_changer)
            total = (h * h).sum()
        else:
            handle = x.register_hook(shape_changer)
            total = loss().sum()
        with pytest.raises(mg.OperationError, match=r"shape_changer.*\(1,\).*\(2,\)"):
            total.backward()
    handle.remove()
    x.register_hook(lambda g: g > 0)
    with pytest.raises(mg.OperationError, match="bool"):
        (x * 1).sum().backward()


def test_gradients_have_their_tensors_dtype():
    x = mg.ones(3, requires_grad=True)

    class Wide(mg.Node):
        def forward(self, x):
            return x

        def backward(self, gy):
            return gy.astype(np.float64)

    class Whole(Wide):
        def backward(self, gy):
            return gy.astype(np.int64)

    Wide()(x).sum().backward()
    assert x.grad.dtype == np.float32
    with pytest.raises(mg.OperationError, match=r"Whole.*int64"):
        Whole()(x).sum().backward()


def test_no_grad_on_a_generator():
    @mg.no_grad()
    def batches():
        for _ in range(2):
            yield (mg.ones(1, requires_grad=True) * 2).requires_grad

    seen = []
    for requires in batches():
        seen.append((requires, mg.is_grad_enabled()))
    assert seen == [(False, True), (False, True)]
    with pytest.raises(TypeError, match="class"):
        mg.no_grad()(type("C", (), {}))
