"""U-Net: a label for every pixel (Ronneberger et al., 2015).

The net goes down to see more of the image at once, and up again to say something about every pixel. What it knew of
*where* is lost on the way down: each pooling throws places away. So at every resolution one way goes down and one
straight across, and where they meet again they are put side by side: the long skips carry the detail, the bottom
says what it means. In backward the join slices the gradient: the bottom gets its channels' part, the skip the rest.
"""

from __future__ import annotations

from collections import OrderedDict

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import integer, tensor, truths
from minigrad.engine.errors import OperationError
from minigrad.nn.activation import ReLU
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm2d
from minigrad.nn.pooling import MaxPool2d
from minigrad.tensors.tensor import Tensor


def double_conv(in_channels: int, out_channels: int, norm: bool) -> Sequential:
    """Two 3x3 convolutions, each normalised (or not) and rectified, that keep the resolution."""
    parts: OrderedDict[str, Module] = OrderedDict()
    for i in (1, 2):
        parts[f"conv{i}"] = Conv2d(in_channels, out_channels, 3, padding=1, bias=not norm)
        if norm:
            parts[f"norm{i}"] = BatchNorm2d(out_channels)
        parts[f"relu{i}"] = ReLU()
        in_channels = out_channels
    return Sequential(parts)


class UNet(Module):
    """A U-Net whose convolutions keep the size, so that every pixel of the image gets its scores.

    Parameters
    ----------
    in_channels, num_classes
        Channels of the image, and scores a pixel.
    width
        Channels at full resolution; each level below has twice as many. The paper has 64.
    depth
        How often the resolution is halved; the paper has 4.
    norm
        Batch normalisation after each convolution; the paper has none.
    skips
        False for the twin without long skips, in which everything passes the bottom.

    Raises
    ------
    ValueError
        In forward, for an image of fewer than 2^depth pixels in height or width.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.models.UNet(1, 3, width=4, depth=2)(mg.zeros(1, 1, 13, 10)).shape
    (1, 3, 13, 10)
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        width: int = 16,
        depth: int = 3,
        norm: bool = True,
        skips: bool = True,
    ) -> None:
        super().__init__()
        truths("UNet", norm=norm, skips=skips)
        integer("UNet", "width", width, least=1)
        depth = integer("UNet", "depth", depth, least=1, most=20)  # (a million pixels a side are halved 20 times)
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = ModuleList()
        channels = in_channels
        for wide in widths[:-1]:
            self.down.append(double_conv(channels, wide, norm))
            channels = wide
        self.pool = MaxPool2d(2)
        self.bottom = double_conv(channels, widths[-1], norm)
        self.up, self.join = ModuleList(), ModuleList()
        for wide in reversed(widths[:-1]):
            self.up.append(ConvTranspose2d(2 * wide, wide, 2, 2))
            self.join.append(double_conv(2 * wide if skips else wide, wide, norm))
        self.head = Conv2d(width, num_classes, 1)
        self.skips = skips

    def forward(self, input: Tensor) -> Tensor:
        """Score every pixel, (N, C, H, W) to (N, num_classes, H, W).

        Where a height or width is odd, pooling drops the last row or column, and the way up comes back one short:
        there it is padded by a row or column of zeros before the join.
        """
        smallest = 2 ** len(self.down)
        if tensor("UNet", "input", input, arrays=False).ndim < 2 or min(input.shape[-2:]) < smallest:
            raise OperationError(
                f"UNet halves the resolution {len(self.down)} times: an image needs {smallest} pixels in height and "
                f"width, this one has {tuple(input.shape[-2:])}"
            )
        x, across = input, []
        for level in self.down:
            s, x = skip.fork(level(x))
            across.append(s)
            x = self.pool(x)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            s = across.pop()
            x = up(x)
            below, beside = (a - b for a, b in zip(s.shape[-2:], x.shape[-2:], strict=True))
            if below or beside:
                x = F.pad(x, (0, beside, 0, below))
            x = join(skip.skip_concat(s, x) if self.skips else x)
        scores: Tensor = self.head(x)
        return scores
