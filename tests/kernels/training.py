"""Ten training steps of a small conv-norm net and of a small GPT, as a digest; run by ``test_bits.py``."""

from __future__ import annotations

import hashlib
import os
import sys
import threading

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.norm = heads, nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        parts = self.qkv(self.norm(x)).split(width, dim=2)
        q, k, v = (p.view(n, length, self.heads, width // self.heads).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(y.transpose(1, 2).reshape(n, length, width))


class Dense(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        return x + self.net(x)


class Images(nn.Module):
    """What had another order of sums: convolutions, a transposed one, batch norm, bilinear interpolation."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.mid = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1, groups=2), nn.BatchNorm2d(32), nn.SiLU())
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.last = nn.Conv2d(16, 8, 1)

    def forward(self, x):
        x = self.up(self.mid(self.down(x)))
        x = F.interpolate(self.last(x), scale_factor=1.5, mode="bilinear", align_corners=False)
        return x.mean(dim=(2, 3))


def digest():
    """SHA-1 of all losses, gradients and parameters on the way."""
    rng = np.random.default_rng(0)
    found = hashlib.sha1()
    text = rng.integers(0, 40, (8, 48))
    gpt = nn.Sequential(nn.Embedding(40, 64), Attention(64, 4), Dense(64), nn.LayerNorm(64), nn.Linear(64, 40))
    images = rng.standard_normal((24, 3, 24, 24)).astype(np.float32)
    nets = [(gpt, text, text.reshape(-1), 40), (Images(), images, rng.integers(0, 8, 24), 8)]
    for net, data, labels, classes in nets:
        with mg.no_grad():
            for p in net.parameters():
                p.copy_(mg.from_numpy((rng.standard_normal(p.shape) / 8).astype(np.float32)))
        optimizer = mg.optim.AdamW(net.parameters(), 1e-3)
        for _ in range(10):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(mg.from_numpy(data)).reshape(-1, classes), mg.from_numpy(labels))
            loss.backward()
            optimizer.step()
            found.update(loss.detach().numpy().tobytes())
            for p in net.parameters():
                found.update(p.grad.numpy().tobytes())
        for p in net.parameters():
            found.update(p.detach().numpy().tobytes())
    return found.hexdigest()


def main():
    # The first is compiled, or loaded, where it is called first.
    print("main", digest())
    if hasattr(os, "fork"):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            print("child", digest(), flush=True)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    threads = [threading.Thread(target=lambda: print(f"thread {digest()}\n", end="")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
