"""The vision systems that are timed: a detector and a capsule net, written once for both frameworks.

They are `minigrad.models.Detector` and `CapsuleNet` in the sizes of lessons 14 and 18, less what is not arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.models import block_class

Make = Callable[[Any, np.random.Generator], Callable[[], float]]


def detector(fw: Any) -> Any:
    """A residual backbone of 56 layers, 8, 16 and 32 wide, one skip from the top down, and three heads."""
    nn, block = fw.nn, block_class(fw)

    def conv(c_in: int, c_out: int, size: int, stride: int = 1) -> list[Any]:
        return [nn.Conv2d(c_in, c_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(c_out)]

    def stage(c_in: int, c_out: int, stride: int) -> Any:
        blocks = []
        for i in range(9):
            first = stride if not i else 1
            shortcut = nn.Sequential(*conv(c_in, c_out, 1, first)) if c_in != c_out else None
            branch = nn.Sequential(*conv(c_in, c_out, 3, first), nn.ReLU(), *conv(c_out, c_out, 3))
            blocks.append(block(branch, shortcut, nn.ReLU()))
            c_in = c_out
        return nn.Sequential(*blocks)

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(*conv(3, 8, 3, 2), nn.ReLU())
            self.stage1, self.stage2, self.stage3 = stage(8, 8, 1), stage(8, 16, 2), stage(16, 32, 2)
            self.lateral, self.top = nn.Conv2d(16, 16, 1), nn.Conv2d(32, 16, 1)
            heads = [nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 1)) for _ in range(3)]
            self.heads = nn.ModuleList(heads)

        def forward(self, x: Any) -> Any:
            middle = self.stage2(self.stage1(self.stem(x)))
            up = nn.functional.interpolate(self.top(self.stage3(middle)), scale_factor=2)
            y = nn.functional.relu(self.lateral(middle) + up)
            return [head(y) for head in self.heads]

    return Detector()


def capsules(fw: Any) -> Any:
    """8x8 digits: a convolution, 32 primary capsules of 8, ten of 16, three rounds of routing, and a decoder."""
    nn = fw.nn

    def squash(s: Any) -> Any:
        r = fw.sqrt((s * s).sum(-1, keepdim=True) + 1e-9)
        return s * (r / (1 + r * r))

    class CapsuleNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.primary = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3, stride=2)
            self.weight = nn.Parameter(fw.zeros(32, 8, 160))
            self.decoder = nn.Sequential(
                nn.Linear(160, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid()
            )

        def forward(self, x: Any) -> Any:
            u = self.primary(nn.functional.relu(self.conv(x)))
            u = squash(u.reshape(len(x), 8, 8, 4).transpose(2, 3).reshape(len(x), 32, 8))
            votes = (u.transpose(0, 1) @ self.weight).transpose(0, 1).reshape(len(x), 32, 10, 16)
            logits = fw.zeros(len(x), 32, 10)
            for i in range(3):
                v = squash((nn.functional.softmax(logits, dim=2).unsqueeze(3) * votes).sum(1))
                if i < 2:
                    logits = logits + (votes * v.unsqueeze(1)).sum(3)
            return [v, self.decoder(v.flatten(1))]

    return CapsuleNet()


def regression(build: Callable[[Any], Any], shape: tuple[int, ...], weigh: Callable[..., None]) -> Make:
    """A workload's maker: forward, the mean square of all outputs less a target, backward and Adam's step."""

    def make(fw: Any, rng: np.random.Generator) -> Callable[[], float]:
        model = build(fw)
        weigh(fw, model, rng)
        x = fw.from_numpy(rng.standard_normal(shape).astype(np.float32))
        targets = [fw.from_numpy(rng.random(tuple(y.shape)).astype(np.float32)) for y in model(x)]
        optimizer = fw.optim.Adam(list(model.parameters()), 1e-3)

        def step() -> float:
            optimizer.zero_grad()
            loss = sum(((y - t) ** 2).mean() for y, t in zip(model(x), targets, strict=True))
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return step

    return make
