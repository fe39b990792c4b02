"""What some tasks give to be looked into with the tools: a loss, whose graph hides something."""

from __future__ import annotations

import numpy as np

from minigrad import nn, skip
from minigrad.nn import functional as F
from minigrad.random import Generator
from minigrad.tensors.creation import tensor
from minigrad.tensors.draws import rand
from minigrad.tensors.tensor import Tensor


def three_blocks() -> Tensor:
    """A loss behind three blocks h + factor * h, on numbers that are exact."""
    h = tensor([1.0, 2.0], requires_grad=True)
    for factor in (2.0, 3.0, 5.0):
        s, b = skip.fork(h)
        h = skip.residual_add(s, factor * b)
    return h.sum()


def _images(seed: int) -> Tensor:
    """Random images, with a gradient."""
    return rand(32, 16, generator=Generator().manual_seed(seed)).requires_grad_()


def _dense(inputs: int, outputs: int, rng: np.random.Generator) -> nn.Linear:
    """A dense layer with He's initialisation from a generator of its own."""
    layer = nn.Linear(inputs, outputs)
    size = (2 / inputs) ** 0.5
    layer.weight = nn.Parameter(tensor(rng.normal(0.0, size, (outputs, inputs)).astype(np.float32)))
    layer.bias = nn.Parameter(tensor(np.zeros(outputs, np.float32)))
    return layer


def dead_block() -> Tensor:
    """A loss of ten residual blocks, modules "0" to "9" of a Sequential; the branch of one of them is dead."""
    rng = np.random.default_rng(2016)
    blocks = [nn.Residual(nn.Sequential(_dense(16, 16, rng), nn.ReLU()), scale=0.3) for _ in range(10)]
    blocks[int(rng.integers(2, 8))].get_parameter("branch.0.bias").data.fill_(-1000.0)
    net = nn.Sequential(*blocks, _dense(16, 10, rng))
    loss: Tensor = F.cross_entropy(net(_images(seed=0)), tensor(rng.integers(0, 10, 32)))
    return loss


def exploding() -> Tensor:
    """A loss of fifteen ReLU layers, a Sequential; one dense layer makes the gradient a hundred times larger."""
    rng = np.random.default_rng(1991)
    layers: list[nn.Module] = []
    for _ in range(15):
        layers += [_dense(16, 16, rng), nn.ReLU()]
    layers[2 * int(rng.integers(3, 12))].get_parameter("weight").data *= 100.0
    net = nn.Sequential(*layers, _dense(16, 10, rng))
    loss: Tensor = net(_images(seed=1)).mean()
    return loss
