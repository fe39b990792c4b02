"""Nets for the inspection tests: blocks of every kind, and nets as they are written for PyTorch."""

from __future__ import annotations

import math

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def randn(*shape, requires_grad=True):
    return mg.randn(*shape, dtype=mg.float64, requires_grad=requires_grad)


class LinearNet(nn.Module):
    """n residual blocks, each branch a times the identity (E1)."""

    def __init__(self, n, a):
        super().__init__()
        self.blocks = nn.Sequential(*(nn.Residual(lambda b: a * b) for _ in range(n)))

    def forward(self, x):
        return self.blocks(x)


class BasicBlock(nn.Module):
    """A residual block as torchvision writes it: no fork, no join, just ``out += identity``."""

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, 1, 1)
        self.layer1 = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 4))
        self.layer2 = nn.Sequential(BasicBlock(4, 6, 2), BasicBlock(6, 6))
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(self.conv1(x))).mean((2, 3)))


class PlainBlock(BasicBlock):
    """The same layers under the same names, and nothing goes around them."""

    def forward(self, x):
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


class OutOfPlaceBlock(BasicBlock):
    """The same block with ``out = out + identity``."""

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out = out + (x if self.downsample is None else self.downsample(x))
        return self.relu(out)


class DeepResNet(nn.Module):
    """He et al.'s (2016) nets for small images, of 6 n + 2 layers, with few channels."""

    def __init__(self, n, block=BasicBlock, width=2):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(1, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(*(block(width, width) for _ in range(n)))
        self.layer2 = nn.Sequential(block(width, 2 * width, 2), *(block(2 * width, 2 * width) for _ in range(n - 1)))
        self.layer3 = nn.Sequential(
            block(2 * width, 4 * width, 2), *(block(4 * width, 4 * width) for _ in range(n - 1))
        )
        self.fc = nn.Linear(4 * width, 3)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class ConvBlocks(nn.Module):
    """The same with minigrad's own blocks: conv, norm, ReLU, projection; n of them."""

    def __init__(self, n):
        super().__init__()

        def branch(a, b, stride):
            return nn.Sequential(
                nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1), nn.BatchNorm2d(b)
            )

        blocks = [nn.Residual(branch(2, 3, 2), shortcut=nn.Projection(2, 3, stride=2), after=nn.ReLU())]
        blocks += [nn.Residual(branch(3, 3, 1), after=nn.ReLU()) for _ in range(n - 1)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


def _double_conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, 1, 1), nn.BatchNorm2d(b), nn.ReLU())


class UNet(nn.Module):
    """Two long skips, joined by a plain ``cat`` in the net's own forward."""

    def __init__(self):
        super().__init__()
        self.enc1, self.enc2, self.mid = _double_conv(1, 2), _double_conv(2, 3), _double_conv(3, 3)
        self.up2, self.dec2 = nn.ConvTranspose2d(3, 3, 2, 2), _double_conv(6, 2)
        self.up1, self.dec1 = nn.ConvTranspose2d(2, 2, 2, 2), _double_conv(4, 2)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(F.max_pool2d(e1, 2))
        m = self.mid(F.max_pool2d(e2, 2))
        d2 = self.dec2(mg.cat([self.up2(m), e2], 1))
        return self.dec1(mg.cat([e1, self.up1(d2)], 1))


class DenseNet(nn.Module):
    """Every layer reads all before it, through a growing list and ``cat``."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2 * (i + 1), 2) for i in range(layers))

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(mg.cat(features, 1)).tanh())
        return mg.cat(features, 1)


class DenseLayer(nn.Module):
    """A layer of a DenseNet as torchvision writes it: it reads a list."""

    def __init__(self, channels, growth):
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(channels, 2 * growth, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(2 * growth), nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features):
        x = self.conv1(self.relu1(self.norm1(mg.cat(features, 1))))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseConvNet(nn.Module):
    def __init__(self, layers, growth=2):
        super().__init__()
        self.conv0 = nn.Conv2d(1, 2, 3, padding=1)
        self.block = nn.ModuleDict({f"denselayer{i + 1}": DenseLayer(2 + i * growth, growth) for i in range(layers)})
        self.fc = nn.Linear(2 + layers * growth, 3)

    def forward(self, x):
        features = [self.conv0(x)]
        for layer in self.block.values():
            features.append(layer(features))
        return self.fc(mg.cat(features, 1).mean((2, 3)))


class NewGELU(nn.Module):
    """A formula with an ``x + ...`` in it that is no skip connection."""

    def forward(self, x):
        return 0.5 * x * (1.0 + mg.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * mg.pow(x, 3.0))))


class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.o(F.softmax(q @ k.transpose(-1, -2) / 2, dim=-1) @ v)


class TransformerBlock(nn.Module):
    def __init__(self, d, pre):
        super().__init__()
        self.pre = pre
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = Attention(d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), NewGELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        if self.pre:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))
        x = self.ln_1(x + self.attn(x))
        return self.ln_2(x + self.mlp(x))


class Transformer(nn.Module):
    """Token and position embeddings, blocks, a tied head; ``embedded`` is what enters the blocks."""

    def __init__(self, pre=True, d=4, blocks=2):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(5, d), nn.Embedding(3, d)
        self.h = nn.ModuleList(TransformerBlock(d, pre) for _ in range(blocks))
        self.head = nn.Linear(d, 5, bias=False)
        self.wte.weight = self.head.weight

    def forward(self, tokens):
        x = self.embedded = self.wte(tokens) + self.wpe(mg.arange(0, 3))
        for block in self.h:
            x = block(x)
        return self.head(x)
