"""U-Net, FCN and DenseNet: sizes, odd images, what a concat does to gradients (E14), and a small batch fitted."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, models

from .fitting import count, fit


def kinds(loss):
    return [type(step.node).__name__ for step in mg.backward_steps(loss)]


def test_unet_is_as_large_as_the_original():
    assert count(models.UNet(1, 2, width=64, depth=4, norm=False)) == 31_030_658


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (33, 20)])
def test_unet_takes_odd_sizes(size):
    for skips in (True, False):
        net = models.UNet(1, 3, width=4, skips=skips)
        y = net(mg.randn(2, 1, *size))
        assert y.shape == (2, 3, *size)
        y.square().sum().backward()
        assert all(p.grad is not None for p in net.parameters())


def test_unets_twin_joins_nothing():
    x = mg.randn(1, 1, 16, 16)
    assert kinds(models.UNet(width=4)(x).sum()).count("SkipConcat") == 3
    assert kinds(models.UNet(width=4, skips=False)(x).sum()).count("SkipConcat") == 0


def test_a_long_skip_is_in_the_ledger():
    net = models.UNet(width=4)
    ledger = inspect.trace(net(mg.randn(1, 1, 16, 16)).square().sum()).ledger()
    assert len(ledger) == 3


@pytest.mark.parametrize(("stride", "joins"), [(32, 0), (16, 1), (8, 2)])
def test_fcn_adds_scores(stride, joins):
    net = models.FCN(1, 3, stride, width=4)
    y = net(mg.randn(2, 1, 45, 70))
    assert y.shape == (2, 3, 45, 70)
    assert kinds(y.square().sum()).count("ResidualAdd") == joins


def test_fcns_enlargement_begins_bilinear():
    """Away from the edge it is what interpolate gives."""
    x = mg.rand(1, 2, 6, 6)
    ours = models.fcn.bilinear(2, 2)(x).array
    theirs = F.interpolate(x, scale_factor=2, mode="bilinear").array
    np.testing.assert_allclose(ours[..., 1:-1, 1:-1], theirs[..., 1:-1, 1:-1], rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "millions"),
    [((40, 12), 1.0), ((100, 12), 7.0), ((100, 12, 10, 3, True, 0.5), 0.8), ((250, 24, 10, 3, True, 0.5), 15.3)],
)
def test_densenet_is_as_large_as_the_papers(settings, millions):
    assert count(models.DenseNet(*settings)) / 1e6 == pytest.approx(millions, abs=0.06)


def test_a_sources_gradient_is_the_sum_of_its_readers_slices():
    """E14: each reader sends back its slice of what it read; forks sum them, to the bit in this order."""
    mg.manual_seed(2)
    block = models.DenseNet(16, 2, in_channels=1).double().block1
    x = mg.randn(2, 16, 4, 4, dtype=mg.float64, requires_grad=True)
    branches, read = [], []
    for layer in block:
        layer.branch.register_full_backward_hook(lambda module, grads, _: read.insert(0, grads[0].array[:, :16]))
        branches.append(layer.branch)
    g = mg.randn(2, 24, 4, 4, dtype=mg.float64)
    block(x).backward(g)
    assert len(read) == 4
    total = g.array[:, :16]
    for part in reversed(read):
        total = total + part
    np.testing.assert_allclose(x.grad.array, total, rtol=1e-12)


def test_routes_double_with_every_layer():
    """E14: 2^(L-1) routes reach layer L: each branch is the constant sum of all it reads, and growth is 1."""
    x = mg.ones(1, 1, dtype=mg.float64, requires_grad=True)
    y = x
    for _ in range(6):
        s, b = mg.skip.fork(y)
        y = mg.skip.skip_concat(s, b.sum(1, keepdim=True))
    y[:, -1].sum().backward()
    assert x.grad.item() == 2**5


def test_memory_lean_is_the_same_to_the_bit():
    grads = []
    for lean in (False, True):
        mg.manual_seed(4)
        net = models.DenseNet(16, 4, in_channels=1, memory_lean=lean)
        F.cross_entropy(net(mg.randn(3, 1, 8, 8)), mg.arange(3)).backward()
        grads.append([p.grad.array.tobytes() for p in net.parameters()])
    assert grads[0] == grads[1]
    assert "Checkpoint" in kinds(net(mg.randn(3, 1, 8, 8)).sum())
    assert "Checkpoint" not in kinds(net.eval()(mg.randn(3, 1, 8, 8)).sum())


def test_memory_lean_holds_less_than_half():
    """Measured after forward, 40 layers with bottlenecks, 8 images of 32x32: 118 MB and 42 MB."""
    held = []
    for lean in (False, True):
        net = models.DenseNet(22, 12, in_channels=1, bottleneck=True, memory_lean=lean)
        x = mg.randn(4, 1, 16, 16)
        net(x).sum().backward()  # (whatever is made once is made now)
        tracemalloc.start()
        loss = net(x).sum()
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        loss.backward()
    assert held[1] < 0.5 * held[0]


@pytest.mark.parametrize(
    "make",
    [lambda: models.UNet(1, 3, width=4, depth=2), lambda: models.FCN(1, 3, 8, width=8)],
    ids=["unet", "fcn"],
)
def test_it_fits_a_slice_of_the_brain(make):
    images, labels = mg.data.brain("train", noise=0, bias_field=0, blur=0)
    x, y = images[8:9, :, 16:64, 16:64], labels[8:9, 16:64, 16:64]
    net = make()
    losses = fit(net.parameters(), lambda: F.cross_entropy(net(x), y), 60, rate=0.02)
    assert losses[-1] < 0.5 * losses[0]


def test_densenet_fits_a_small_batch():
    images, labels = mg.data.digits("train")
    net = models.DenseNet(10, 6, in_channels=1)
    losses = fit(net.parameters(), lambda: F.cross_entropy(net(images[:32]), labels[:32]), 30)
    assert losses[-1] < 0.2 * losses[0]


def test_bad_input():
    with pytest.raises(ValueError, match="needs 8 pixels in height and width"):
        models.UNet()(mg.zeros(1, 1, 16, 7))
    with pytest.raises(ValueError, match="stride must be 8 or 16 or 32"):
        models.FCN(stride=4)
    with pytest.raises(ValueError, match=r"the depth is 3 n \+ 4"):
        models.DenseNet(41)
