"""Inverted residuals with hard activations, in the style of MobileNetV3 files."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.utils import _pair

SHAPES = [(2, 3, 32, 32)]


def _make_divisible(v, divisor=8, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


class h_swish(nn.Module):
    def __init__(self, inplace=True):
        super().__init__()
        self.inplace = inplace

    def forward(self, x):
        return x * F.relu6(x + 3.0, inplace=self.inplace) / 6.0


class SqueezeExcite(nn.Module):
    def __init__(self, in_chs, se_ratio=0.25):
        super().__init__()
        reduced = _make_divisible(in_chs * se_ratio)
        self.conv_reduce = nn.Conv2d(in_chs, reduced, 1, bias=True)
        self.act1 = nn.ReLU(inplace=True)
        self.conv_expand = nn.Conv2d(reduced, in_chs, 1, bias=True)
        self.gate = nn.Hardsigmoid(inplace=True)

    def forward(self, x):
        x_se = x.mean((2, 3), keepdim=True)
        x_se = self.conv_expand(self.act1(self.conv_reduce(x_se)))
        return x * self.gate(x_se)


class ConvBNAct(nn.Sequential):
    def __init__(self, inp, oup, k, s, groups=1, act=nn.Hardswish):
        super().__init__(
            nn.Conv2d(inp, oup, _pair(k), s, (k - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(oup, eps=0.001, momentum=0.01),
            act(inplace=True) if act is not None else nn.Identity(),
        )


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand, use_se, act):
        super().__init__()
        assert stride in [1, 2]
        hidden = int(round(inp * expand))
        self.use_res_connect = stride == 1 and inp == oup
        layers = [ConvBNAct(inp, hidden, 1, 1, act=act), ConvBNAct(hidden, hidden, 3, stride, hidden, act)]
        if use_se:
            layers.append(SqueezeExcite(hidden))
        layers.append(ConvBNAct(hidden, oup, 1, 1, act=None))
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV3(nn.Module):
    def __init__(self, num_classes=7, dropout=0.0):
        super().__init__()
        self.stem = ConvBNAct(3, 8, 3, 2)
        setting = [[8, 1, 1, True, nn.ReLU], [16, 2, 3, False, nn.ReLU6], [16, 1, 3, True, nn.Hardswish]]
        blocks, c_in = nn.ModuleList(), 8
        for c, s, e, se, act in setting:
            blocks.append(InvertedResidual(c_in, c, s, e, se, act))
            c_in = c
        self.blocks = blocks
        self.act = h_swish()
        self.classifier = nn.Sequential(
            nn.Linear(c_in, 24), nn.Hardswish(), nn.Dropout(p=dropout), nn.Linear(24, num_classes)
        )
        self._initialize_weights()

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = self.act(x)
        x = F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)
        return self.classifier(x)

    def _initialize_weights(self):
        for m in self.modules():
            if isinstance(m, _ConvNd):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2.0 / n))
                if m.bias is not None:
                    m.bias.data.zero_()
            elif isinstance(m, _BatchNorm):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                n = m.weight.size(1)
                m.weight.data.normal_(0, 0.01)
                m.bias.data.zero_()


def make():
    return torch.nn.DataParallel(MobileNetV3())
