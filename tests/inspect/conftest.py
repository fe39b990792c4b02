"""Two losses that most inspection tests share."""

from __future__ import annotations

import pytest

from minigrad import nn

from .nets import ResNet, randn


@pytest.fixture
def resnet():
    """A small ResNet's loss, its input and the net; its skips are implicit."""
    net = ResNet().double()
    x = randn(3, 2, 6, 6)
    return (net(x) ** 2).sum(), x, net


@pytest.fixture
def mixed():
    """Residual, gate and concatenation in one net of flat layers: the loss, its input and the net."""
    net = nn.Sequential(
        nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), scale=0.5),
        nn.Highway(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.Sigmoid())),
        nn.SkipConcat(nn.Linear(3, 2)),
    ).double()
    x = randn(4, 3)
    return (net(x) ** 2).sum(), x, net
