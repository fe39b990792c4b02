"""Everything in the package that writes into a tensor's memory, between a forward that reads it and the backward.

Each case runs on PyTorch too, where it is installed, and raises there or passes as here.
"""

from __future__ import annotations

import pytest


def leaf(fw, *shape):
    x = fw.ones(*shape)
    x.requires_grad_(True)
    return x


def read(fw, weight):
    """A loss whose gradient with respect to another tensor reads this weight."""
    return (leaf(fw, *weight.shape) * weight).sum()


def net(fw):
    return fw.nn.Sequential(fw.nn.Linear(3, 3), fw.nn.Tanh(), fw.nn.Linear(3, 1))


def rows(fw, length):
    """A lookup shortens the rows that are longer than ``length``; both write where none is, too."""
    table = fw.nn.Embedding(5, 3, max_norm=length)
    loss = read(fw, table.weight)
    table(fw.tensor([0, 1]))
    return loss


def rows_looked_up_twice(fw):
    table = fw.nn.Embedding(5, 3, max_norm=0.1)
    first = table(fw.tensor([0, 1]))
    return (first + table(fw.tensor([1, 2]))).sum()


def tied_table(fw):
    table = fw.nn.Embedding(5, 3, max_norm=0.1)
    return (table(fw.tensor([0, 1])) @ table.weight.t()).sum()


def padding_row(fw):
    table = fw.nn.Embedding(5, 3, padding_idx=0)
    loss = read(fw, table.weight)
    table.reset_parameters()
    return loss


def load(fw, assign):
    model = net(fw)
    loss = model(fw.ones(2, 3)).sum()
    model.load_state_dict(net(fw).state_dict(), assign=assign)
    return loss


def load_what_no_gradient_reads(fw):
    layer = fw.nn.Linear(3, 1)
    loss = layer(fw.ones(2, 3)).sum()
    layer.load_state_dict(fw.nn.Linear(3, 1).state_dict())
    return loss


def initialise(fw):
    layer = fw.nn.Linear(3, 3)
    loss = layer(leaf(fw, 2, 3)).sum()
    fw.nn.init.kaiming_normal_(layer.weight)
    return loss


def exponential_average(fw):
    model, average = net(fw), net(fw)
    loss = average(leaf(fw, 2, 3)).sum()
    with fw.no_grad():
        for a, p in zip(average.parameters(), model.parameters(), strict=True):
            a.mul_(0.9).add_(p, alpha=0.1)
    return loss


def step(fw):
    model = net(fw)
    loss = model(leaf(fw, 2, 3)).sum()
    loss.backward(retain_graph=True)
    fw.optim.Adam(model.parameters()).step()
    return loss


def used_gradient(fw, write):
    p = leaf(fw, 3)
    (p * p).sum().backward()
    loss = read(fw, p.grad)
    write(p)
    return loss


def spectral_norm(fw, training):
    layer = fw.nn.utils.spectral_norm(fw.nn.Linear(3, 3)).train(training)
    loss = layer(leaf(fw, 2, 3)).sum()
    layer.train()(fw.ones(2, 3))
    return loss


def weight_norm(fw):
    layer = fw.nn.utils.weight_norm(fw.nn.Linear(3, 3))
    return layer(leaf(fw, 2, 3)).sum() + layer(leaf(fw, 2, 3)).sum()


def statistics(fw, layer, training):
    """Running statistics move in a later forward; a forward in evaluation normalises by a copy."""
    layer.train(training)
    loss = (layer(leaf(fw, 2, 3, 4)) ** 2).sum()
    layer.train()(fw.randn(2, 3, 4))
    return loss


def convert(fw):
    layer = fw.nn.Linear(3, 3)
    loss = layer(leaf(fw, 2, 3)).sum()
    layer.double()
    return loss


RAISES = {
    "an embedding that shortens rows": lambda fw: rows(fw, 0.1),
    "an embedding that finds none too long": lambda fw: rows(fw, 100.0),
    "the padding row": padding_row,
    "load_state_dict": lambda fw: load(fw, False),
    "an initialiser": initialise,
    "an average of weights": exponential_average,
    "an optimiser": step,
    "clipping of a norm": lambda fw: used_gradient(fw, lambda p: fw.nn.utils.clip_grad_norm_([p], 1e-3)),
    "clipping of values": lambda fw: used_gradient(fw, lambda p: fw.nn.utils.clip_grad_value_([p], 1e-3)),
    "zeros for gradients": lambda fw: used_gradient(fw, lambda p: fw.optim.SGD([p], 0.1).zero_grad(set_to_none=False)),
    "the next gradient": lambda fw: used_gradient(fw, lambda p: (p * p).sum().backward()),
    "singular vectors that evaluation reads": lambda fw: spectral_norm(fw, False),
}
PASSES = {
    "rows that were looked up": rows_looked_up_twice,
    "a tied table": tied_table,
    "load_state_dict with assign": lambda fw: load(fw, True),
    "load_state_dict where no gradient reads": load_what_no_gradient_reads,
    "singular vectors in training": lambda fw: spectral_norm(fw, True),
    "a length and a direction": weight_norm,
    "running statistics in training": lambda fw: statistics(fw, fw.nn.BatchNorm1d(3), True),
    "running statistics in evaluation": lambda fw: statistics(fw, fw.nn.BatchNorm1d(3), False),
    "those of samples": lambda fw: statistics(fw, fw.nn.InstanceNorm1d(3, track_running_stats=True), True),
    "those of samples in evaluation": lambda fw: statistics(
        fw, fw.nn.InstanceNorm1d(3, track_running_stats=True), False
    ),
    "another dtype": convert,
}


@pytest.fixture(params=["minigrad", "torch"])
def fw(request):
    return pytest.importorskip(request.param)


@pytest.mark.parametrize("name", RAISES)
def test_what_raises(name, fw):
    loss = RAISES[name](fw)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
@pytest.mark.parametrize("name", PASSES)
def test_what_passes(name, fw):
    PASSES[name](fw).backward()
