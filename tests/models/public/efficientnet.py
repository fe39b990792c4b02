"""Swish with a rule of its own, static same padding and drop connect, in the style of EfficientNet files."""

import collections
import math

import torch
from torch import nn
from torch.nn import functional as F

SHAPES = [(2, 3, 15, 15)]
BlockArgs = collections.namedtuple("BlockArgs", ["kernel_size", "stride", "expand_ratio", "inp", "oup", "id_skip"])


class SwishImplementation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        result = i * torch.sigmoid(i)
        ctx.save_for_backward(i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_tensors[0]
        sigmoid_i = torch.sigmoid(i)
        return grad_output * (sigmoid_i * (1 + i * (1 - sigmoid_i)))


class MemoryEfficientSwish(nn.Module):
    def forward(self, x):
        return SwishImplementation.apply(x)


def drop_connect(inputs, p, training):
    if not training:
        return inputs
    batch_size = inputs.shape[0]
    keep_prob = 1 - p
    random_tensor = keep_prob
    random_tensor += torch.rand([batch_size, 1, 1, 1], dtype=inputs.dtype, device=inputs.device)
    binary_tensor = torch.floor(random_tensor)
    return inputs / keep_prob * binary_tensor


class Conv2dStaticSamePadding(nn.Conv2d):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, image_size=None, **kwargs):
        super().__init__(in_channels, out_channels, kernel_size, stride, **kwargs)
        self.stride = self.stride if len(self.stride) == 2 else [self.stride[0]] * 2
        ih, iw = (image_size, image_size) if isinstance(image_size, int) else image_size
        kh, kw = self.weight.size()[-2:]
        sh, sw = self.stride
        oh, ow = math.ceil(ih / sh), math.ceil(iw / sw)
        pad_h = max((oh - 1) * self.stride[0] + (kh - 1) * self.dilation[0] + 1 - ih, 0)
        pad_w = max((ow - 1) * self.stride[1] + (kw - 1) * self.dilation[1] + 1 - iw, 0)
        if pad_h > 0 or pad_w > 0:
            self.static_padding = nn.ZeroPad2d((pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
        else:
            self.static_padding = nn.Identity()

    def forward(self, x):
        x = self.static_padding(x)
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class MBConvBlock(nn.Module):
    def __init__(self, block_args, size):
        super().__init__()
        self._block_args = block_args
        inp = block_args.inp
        oup = inp * block_args.expand_ratio
        self._expand_conv = Conv2dStaticSamePadding(inp, oup, kernel_size=1, bias=False, image_size=size)
        self._bn0 = nn.BatchNorm2d(num_features=oup, momentum=0.01, eps=1e-3)
        k, s = block_args.kernel_size, block_args.stride
        self._depthwise_conv = Conv2dStaticSamePadding(
            oup, oup, groups=oup, kernel_size=k, stride=[s], bias=False, image_size=size
        )
        self._bn1 = nn.BatchNorm2d(num_features=oup, momentum=0.01, eps=1e-3)
        self._se_reduce = nn.Conv2d(oup, 2, 1)
        self._se_expand = nn.Conv2d(2, oup, 1)
        self._project_conv = Conv2dStaticSamePadding(oup, block_args.oup, kernel_size=1, bias=False, image_size=size)
        self._bn2 = nn.BatchNorm2d(num_features=block_args.oup, momentum=0.01, eps=1e-3)
        self._swish = MemoryEfficientSwish()

    def forward(self, inputs, drop_connect_rate=None):
        x = self._swish(self._bn0(self._expand_conv(inputs)))
        x = self._swish(self._bn1(self._depthwise_conv(x)))
        x_squeezed = F.adaptive_avg_pool2d(x, 1)
        x_squeezed = self._se_expand(self._swish(self._se_reduce(x_squeezed)))
        x = torch.sigmoid(x_squeezed) * x
        x = self._bn2(self._project_conv(x))
        if self._block_args.id_skip and self._block_args.stride == 1 and inputs.shape[1] == x.shape[1]:
            if drop_connect_rate:
                x = drop_connect(x, p=drop_connect_rate, training=self.training)
            x = x + inputs
        return x


class EfficientNet(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self._conv_stem = Conv2dStaticSamePadding(3, 4, kernel_size=3, stride=2, bias=False, image_size=15)
        self._bn0 = nn.BatchNorm2d(4, momentum=0.01, eps=1e-3)
        self._blocks = nn.ModuleList([])
        for args, size in ((BlockArgs(3, 1, 2, 4, 4, True), 8), (BlockArgs(5, 2, 2, 4, 6, True), 8)):
            self._blocks.append(MBConvBlock(args, size))
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)
        self._dropout = nn.Dropout(0.0)
        self._fc = nn.Linear(6, num_classes)
        self._swish = nn.SiLU() if hasattr(nn, "SiLU") else MemoryEfficientSwish()

    def forward(self, inputs):
        x = self._swish(self._bn0(self._conv_stem(inputs)))
        for idx, block in enumerate(self._blocks):
            x = block(x, drop_connect_rate=0.0 * idx)
        x = self._avg_pooling(x).flatten(start_dim=1)
        return self._fc(self._dropout(x))


def make():
    return EfficientNet()
