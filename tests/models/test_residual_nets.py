"""Residual nets: the papers' sizes, every variant's pass, what each shortcut and each start does to the gradient."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, models
from minigrad.models.residual_nets import ORDERS, ResidualBlock

from .fitting import count, fit


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_sizes_are_the_papers(depth, millions):
    assert count(models.resnet(depth)) / 1e6 == pytest.approx(millions, abs=0.06 if millions > 1 else 0.006)


@pytest.mark.slow
def test_1202_layers():
    net = models.resnet(1202)
    assert count(net) / 1e6 == pytest.approx(19.4, abs=0.1)
    net(mg.randn(2, 3, 8, 8)).sum().backward()
    assert np.isfinite(net.conv1.weight.grad.array).all()


def test_shortcuts_cost_parameters():
    a, b, c = (models.resnet(20, shortcut=kind) for kind in "ABC")
    assert count(b) - count(a) == 16 * 32 + 32 * 64 + 2 * (32 + 64)
    assert count(c) - count(b) == 16 * 16 * 3 + 32 * 32 * 2 + 64 * 64 * 2 + 2 * (3 * 16 + 2 * 32 + 2 * 64)


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("norm", ["batch", "group", "layer", None])
def test_every_variant_passes_a_gradient_to_its_first_layer(order, norm, bottleneck):
    net = models.resnet(11 if bottleneck else 8, 4, 1, 8, bottleneck, "B", norm, order=order)
    y = net(mg.randn(2, 1, 9, 7))
    assert y.shape == (2, 4)
    y.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net.conv1.weight.grad.array.any()


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_joins_are_nodes_under_their_blocks_names(shortcut):
    net = models.resnet(14, shortcut=shortcut)
    ledger = inspect.trace(net(mg.randn(2, 3, 8, 8)).sum()).ledger()
    assert len(ledger) == 6
    assert "stage2.0" in str(ledger)


def test_the_plain_twin_has_no_skips_and_all_other_layers():
    net, plain = models.resnet(20), models.resnet(20, residual=False)
    assert count(net) == count(plain)  # option A has no parameters
    kinds = [type(step.node).__name__ for step in mg.backward_steps(plain(mg.randn(2, 3, 8, 8)).sum())]
    assert "Fork" not in kinds
    assert "ResidualAdd" not in kinds


@pytest.mark.parametrize("scale", ["skipinit", "fixup"])
def test_branches_are_silent_at_first(scale):
    net = models.resnet(20, norm=None, scale=scale, shortcut="A")
    blocks = [m for m in net.modules() if isinstance(m, ResidualBlock)]
    assert len(blocks) == 9
    x = mg.rand(2, 16, 8, 8)
    assert blocks[0](x).array.tobytes() == x.array.tobytes()  # not negative, so the ReLU after changes nothing
    net.zero_grad()
    y = net(mg.randn(4, 3, 8, 8))
    assert scale != "fixup" or not y.array.any()
    F.cross_entropy(y, mg.arange(4)).backward()
    first = blocks[0].branch.conv1.weight.grad.array
    assert not first.any()  # E8: inside the branch exactly 0
    assert blocks[0].scale.grad.array.any() if scale == "skipinit" else net.fc.weight.grad.array.any()


def test_fixups_scale_is_the_papers():
    net = models.resnet(56, norm=None, scale="fixup", width=32)
    stds = [m.branch.conv1.weight.array.std() for m in net.stage1]
    expected = np.sqrt(2 / (32 * 9)) * 27**-0.5  # L = 27 blocks of m = 2 layers
    np.testing.assert_allclose(stds, expected, rtol=0.05)
    deep = models.resnet(56, norm=None, scale="fixup", width=32, bottleneck=True)
    np.testing.assert_allclose(
        [m.branch.conv2.weight.array.std() for m in deep.stage1], np.sqrt(2 / (32 * 9)) * 18**-0.25, rtol=0.05
    )


def test_without_a_norm_the_plain_sum_grows():
    """E5 in a convolutional net: with scale None and norm None activations grow by a factor a block."""
    net = models.resnet(56, norm=None, order="pre-activation")
    x = net.conv1(mg.randn(4, 3, 8, 8))
    sizes = []
    for block in net.stage1:
        x = block(x)
        sizes.append(float((x.array**2).mean()))
    assert sizes[-1] > 20 * sizes[0]


def test_variance_of_a_normalised_residual_net_is_the_number_of_blocks_plus_one():
    """F10: the branch's end has variance 1 at first, and adds up; measured 5.97 at 5 blocks, 40.3 at 40."""
    net = models.resnet(242, order="relu first", width=16)
    x = mg.randn(64, 16, 8, 8)
    for i, block in enumerate(net.stage1, 1):
        x = block(x)
        if i in (5, 40):
            assert x.array.var() == pytest.approx(i + 1, rel=0.15)


@pytest.mark.parametrize("settings", [{}, {"order": "pre-activation"}, {"norm": None, "scale": "fixup"}])
def test_it_fits_a_small_batch(settings):
    images, labels = mg.data.digits("train")
    net = models.resnet(8, in_channels=1, width=8, **settings)
    losses = fit(
        net.parameters(), lambda: F.cross_entropy(net(images[:32]), labels[:32]), 100 if settings.get("scale") else 40
    )
    assert losses[-1] < 0.2 * losses[0]


def test_bad_input():
    with pytest.raises(ValueError, match="20 and 26 fit"):
        models.resnet(21)
    with pytest.raises(ValueError, match="shortcut must be 'A' or 'B' or 'C'"):
        models.resnet(20, shortcut="D")
    with pytest.raises(ValueError, match="say norm=None"):
        models.resnet(20, scale="fixup")


def train_on_digits(depth, epochs, rate=0.02):
    """Train a ResNet with option B on the digits, the rate up and down again; gives the accuracy epoch by epoch."""
    mg.manual_seed(0)
    net = models.resnet(depth, in_channels=1, shortcut="B")
    optimizer = mg.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    loader = mg.data.DataLoader(mg.data.TensorDataset(*mg.data.digits("train")), 64, shuffle=True)
    schedule = mg.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(loader))
    images, labels = mg.data.digits("test")
    right = []
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            schedule.step()
        with mg.no_grad():
            right.append((net.eval()(images).argmax(1) == labels).float().mean().item())
        net.train()
        print(f"{depth} layers, epoch {len(right)}: {right[-1]:.1%} right", flush=True)
    return right


@pytest.mark.slow
def test_110_layers_learn_the_digits():
    """It reaches 98 % (in a few minutes on two cores)."""
    assert max(train_on_digits(110, 16)) >= 0.98
