"""What is timed: a workload makes, for one framework, a function that runs one training step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import peer_autograd, sequences
from benchmarks.models import residual_mlp, resnet, unet
from benchmarks.vision import capsules, detector, regression

Step = Callable[[], float]


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name
        What it is called.
    make
        Gives the step of a framework, from a seeded generator for data and weights.
    target
        The ratio, PyTorch's time to minigrad's, that is aimed at.
    autograd
        As ``make``, for HIPS autograd, which has no layers; None where it can't take part.
    """

    name: str
    make: Callable[[Any, np.random.Generator], Step]
    target: float
    autograd: Callable[[np.random.Generator], Step] | None = None


def as_tensor(fw: Any, array: Any) -> Any:
    """The array in a tensor of the framework."""
    return fw.from_numpy(array)


def set_weights(fw: Any, model: Any, rng: np.random.Generator) -> None:
    """Give a model weights from the generator, the same in every framework."""
    with fw.no_grad():
        for name, p in model.named_parameters():
            if len(p.shape) > 1:  # small enough that 56 blocks without a norm neither explode nor vanish
                scale = 0.2 / np.sqrt(np.prod(p.shape[1:]))
                p.copy_(as_tensor(fw, (rng.standard_normal(tuple(p.shape)) * scale).astype(np.float32)))
            elif "bias" in name:
                p.zero_()


def tiny(fw: Any, rng: np.random.Generator) -> Step:
    """1,500 operations on 8 numbers: 500 times a product, a sum and a tanh."""
    w, b = (as_tensor(fw, rng.random(8).astype(np.float32)).requires_grad_() for _ in range(2))

    def step() -> float:
        w.grad = b.grad = None
        x = w
        for _ in range(500):
            x = fw.tanh(x * w + b)
        loss = x.sum()
        loss.backward()
        return float(loss.item())

    return step


def training(
    build: Callable[[Any], Any], shape: tuple[int, ...], adam: bool = False, dense: bool = False, rate: float = 1e-3
) -> Any:
    """A workload's maker: forward, cross-entropy, backward and the optimiser's step."""

    def make(fw: Any, rng: np.random.Generator) -> Step:
        model = build(fw)
        set_weights(fw, model, rng)
        x = as_tensor(fw, rng.standard_normal(shape).astype(np.float32))
        classes, labels = (2, (shape[0], *shape[2:])) if dense else (10, (shape[0],))
        y = as_tensor(fw, rng.integers(0, classes, labels))
        parameters = list(model.parameters())
        optimizer = fw.optim.Adam(parameters, rate) if adam else fw.optim.SGD(parameters, rate, momentum=0.9)
        loss_of = fw.nn.CrossEntropyLoss()

        def step() -> float:
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return step

    return make


def mlp(layers: int, width: int, batch: int, target: float) -> Workload:
    """A residual net of dense layers."""
    make = training(lambda fw: residual_mlp(fw, layers, width), (batch, width))
    autograd = peer_autograd.residual_mlp(layers, width, batch)
    return Workload(f"MLP {layers} x {width}, b{batch}", make, target, autograd)


def language(layers: int, width: int, batch: int, length: int) -> Any:
    """The maker for a GPT on random tokens."""

    def make(fw: Any, rng: np.random.Generator) -> Step:
        model = sequences.gpt(fw, layers, width, length)
        set_weights(fw, model, rng)
        x, y = (as_tensor(fw, rng.integers(0, sequences.VOCABULARY, (batch, length))) for _ in range(2))
        optimizer = fw.optim.AdamW(model.parameters(), 1e-3)
        loss_of = fw.nn.CrossEntropyLoss()

        def step() -> float:
            optimizer.zero_grad()
            loss = loss_of(model(x), y.reshape(-1))
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return step

    return make


WORKLOADS = [
    Workload("tiny", tiny, 1.0, peer_autograd.tiny),
    mlp(56, 32, 32, 2.2),
    mlp(56, 64, 128, 2.0),
    mlp(56, 256, 256, 1.0),
    Workload("ResNet-20 digits, b64", training(lambda fw: resnet(fw, 20, 1), (64, 1, 8, 8)), 1.4),
    Workload("ResNet-56 digits, b64", training(lambda fw: resnet(fw, 56, 1), (64, 1, 8, 8)), 1.4),
    Workload("ResNet-20 3x32x32, b32", training(lambda fw: resnet(fw, 20, 3), (32, 3, 32, 32)), 1.3),
    Workload("ResNet-20 3x32x32, b128", training(lambda fw: resnet(fw, 20, 3), (128, 3, 32, 32)), 1.3),
    Workload("U-Net 8x1x64x64", training(unet, (8, 1, 64, 64), adam=True, dense=True), 1.1),
    Workload("ResNet-110 digits, b64", training(lambda fw: resnet(fw, 110, 1), (64, 1, 8, 8), rate=1e-5), 1.3),
    Workload("U-Net brain, 4x1x96x96", training(unet, (4, 1, 96, 96), adam=True, dense=True), 1.3),
    Workload("detector roads, 8x3x48x72", regression(detector, (8, 3, 48, 72), set_weights), 1.3),
    Workload("capsules digits, b64", regression(capsules, (64, 1, 8, 8), set_weights), 1.3),
    Workload("GPT 4 x 64, b8 T64", language(4, 64, 8, 64), 1.3),
    Workload("GPT 6 x 128, b16 T128", language(6, 128, 16, 128), 1.1),
    Workload(
        "encoder 3 x 64, b16 T64", training(lambda fw: sequences.encoder(fw, 3, 64), (16, 64, 64), adam=True), 1.1
    ),
    Workload("LSTM 64, b32 T50", training(lambda fw: sequences.lstm(fw, 64, 1), (32, 50, 64), adam=True), 1.0),
    Workload("LSTM 2 x 128, b64 T50", training(lambda fw: sequences.lstm(fw, 128, 2), (64, 50, 128), adam=True), 1.0),
    Workload("DenseNet-22 3x32x32, b32", training(sequences.densenet, (32, 3, 32, 32)), 1.5),
]
