"""Two losses that most inspection tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from minigrad import nn

# This folder can't be a package: it would be called "inspect", as a module of the standard library is.
_spec = importlib.util.spec_from_file_location("inspect_nets", Path(__file__).with_name("nets.py"))
nets = importlib.util.module_from_spec(_spec)
sys.modules["inspect_nets"] = nets
_spec.loader.exec_module(nets)


@pytest.fixture
def resnet():
    """A small ResNet's loss, its input and the net; its skips are implicit."""
    net = nets.ResNet().double()
    x = nets.randn(3, 2, 6, 6)
    return (net(x) ** 2).sum(), x, net


@pytest.fixture
def mixed():
    """Residual, gate and concatenation in one net of flat layers: the loss, its input and the net."""
    net = nn.Sequential(
        nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), scale=0.5),
        nn.Highway(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.Sigmoid())),
        nn.SkipConcat(nn.Linear(3, 2)),
    ).double()
    x = nets.randn(4, 3)
    return (net(x) ** 2).sum(), x, net
