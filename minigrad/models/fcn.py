"""FCN: a classifier that keeps its map, and skips that add finer scores to coarse ones (Long et al., 2014).

Five poolings leave one pixel in 32. Scores made there (FCN-32s) say what is in the image, and only roughly where. So
scores are made at 1/16 and at 1/8 too, of features that have seen less and know better where: the coarse scores are
enlarged by 2, by a layer that learns how, and the finer ones *added* (FCN-16s, FCN-8s). The last enlargement is fixed.
In backward the join copies: both get the same gradient.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import choice, integer
from minigrad.nn.activation import ReLU
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm2d
from minigrad.nn.pooling import MaxPool2d
from minigrad.tensors.tensor import Tensor, from_array


class FCN(Module):
    """A small fully convolutional net, of one 3x3 convolution a level.

    Parameters
    ----------
    in_channels, num_classes
        Channels of the image, and scores a pixel.
    stride
        How fine the finest scores are: 32 for no skip, 16 for one, 8 for two.
    width
        Channels of the first level; the levels have 1, 2, 4, 8 and 8 times as many.

    Raises
    ------
    ValueError
        For another stride.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.models.FCN(1, 3, stride=8, width=4)(mg.zeros(1, 1, 50, 41)).shape
    (1, 3, 50, 41)
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 2, stride: int = 8, width: int = 16) -> None:
        super().__init__()
        choice("FCN", "stride", stride, (8, 16, 32))
        integer("FCN", "width", width, least=1)
        self.levels, self.scores, self.enlarge = ModuleList(), ModuleList(), ModuleList()
        channels = in_channels
        for times in (1, 2, 4, 8, 8):
            wide = times * width
            parts = OrderedDict(
                conv=Conv2d(channels, wide, 3, padding=1, bias=False),
                norm=BatchNorm2d(wide),
                relu=ReLU(),
                pool=MaxPool2d(2, ceil_mode=True),
            )
            self.levels.append(Sequential(parts))
            channels = wide
        for i, times in enumerate({8: (8, 8, 4), 16: (8, 8), 32: (8,)}[stride]):
            self.scores.append(Conv2d(times * width, num_classes, 1))
            if i:
                self.enlarge.append(bilinear(num_classes, 2))
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Score every pixel, (N, C, H, W) to (N, num_classes, H, W).

        A level of odd size is pooled to the half rounded up; what is enlarged from it is then one too large, and is
        cut to size.
        """
        across = range(5 - len(self.enlarge) - 1, 4)  # the levels that a skip leaves: none, the fourth, the third too
        x, features = input, []
        for i, level in enumerate(self.levels):
            x = level(x)
            if i in across:
                s, x = skip.fork(x)
                features.append(s)
        y: Tensor = self.scores[0](x)
        for score, enlarge in zip(list(self.scores)[1:], self.enlarge, strict=True):
            finer = score(features.pop())
            height, width = finer.shape[-2:]
            y = skip.residual_add(finer, enlarge(y)[..., :height, :width])
        y = F.interpolate(y, scale_factor=self.stride, mode="bilinear")
        scores: Tensor = y[..., : input.shape[-2], : input.shape[-1]]
        return scores


def bilinear(channels: int, factor: int) -> ConvTranspose2d:
    """A transposed convolution, each channel by itself, that begins as bilinear enlargement."""
    size = 2 * factor
    layer = ConvTranspose2d(channels, channels, size, factor, factor // 2, groups=channels, bias=False)
    tent = 1 - np.abs((np.arange(size) + 0.5 - factor) / factor)
    kernel = np.broadcast_to(np.outer(tent, tent), layer.weight.shape).astype(layer.weight.dtype)
    layer.weight.data.copy_(from_array(kernel.copy()))
    return layer
