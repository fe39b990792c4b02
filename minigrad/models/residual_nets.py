"""Residual nets for small images, from 20 layers to 1202 (He et al., 2015 and 2016).

Three stages of equal blocks; each stage halves the resolution and doubles the channels of the one before. Every
block adds its input to what its branch makes of it, so the gradient has a way past every branch. Where a stage
begins, input and output differ in shape, and something must stand on the skip:

- option A: every second pixel, and zeros for the new channels; no parameters;
- option B: a 1x1 convolution there, the identity elsewhere;
- option C: a 1x1 convolution on every skip.

What stands in a block, and in which order, decides whether the way is clear: ``ORDERS`` lists He's five (2016). Without
a normalisation the sum grows from block to block (fact E5), so the branch must begin small: SkipInit (De & Smith,
2020) multiplies it by a learnt scalar that is 0 at first; Fixup (Zhang et al., 2019) sets its last layer to 0 and
shrinks the others by the depth.
"""

from __future__ import annotations

from collections import OrderedDict

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import choice, integer, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import init
from minigrad.nn.activation import ReLU
from minigrad.nn.container import Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm2d, GroupNorm
from minigrad.nn.parameter import Parameter
from minigrad.nn.residual import PadShortcut, Projection
from minigrad.tensors.creation import ones, zeros
from minigrad.tensors.tensor import Tensor

#: What is repeated in the branch; how many of the last go; and what follows the addition (He et al., 2016, table 2).
ORDERS = {
    "original": (("conv", "norm", "relu"), 1, ("relu",)),
    "norm after add": (("conv", "norm", "relu"), 2, ("norm", "relu")),
    "relu before add": (("conv", "norm", "relu"), 0, ()),
    "relu first": (("relu", "conv", "norm"), 0, ()),
    "pre-activation": (("norm", "relu", "conv"), 0, ()),
}
_NORMS = ("batch", "group", "layer", None)


class Affine(Module):
    """One scalar bias, and with ``scale`` one scalar factor: Fixup's stand-in for a normalisation."""

    def __init__(self, scale: bool = False) -> None:
        super().__init__()
        self.bias = Parameter(zeros(1))
        self.scale = Parameter(ones(1)) if scale else None

    def forward(self, input: Tensor) -> Tensor:
        """``input * scale + bias``."""
        y: Tensor = input if self.scale is None else input * self.scale
        return y + self.bias


def make_norm(kind: str | None, channels: int) -> Module | None:
    """A normalisation of so many channels: over the batch, over groups of 8 channels, over all of them, or none."""
    if kind == "batch":
        return BatchNorm2d(channels)
    if kind is None:
        return None
    return GroupNorm(1 if kind == "layer" else max(channels // 8, 1), channels)


class ResidualBlock(Module):
    """Fork; the branch beside the shortcut; add; and what comes after.

    Parameters
    ----------
    in_channels, width
        Channels of the input, and of the 3x3 convolutions.
    stride
        By how much the block lowers the resolution.
    bottleneck
        Three convolutions, 1x1, 3x3 and 1x1, the last one four times as wide, for two of 3x3.
    shortcut, norm, scale, order, residual
        As in :func:`resnet`.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int,
        bottleneck: bool,
        shortcut: str,
        norm: str | None,
        scale: str | None,
        order: str,
        residual: bool,
    ) -> None:
        super().__init__()
        repeated, dropped, after = ORDERS[order]
        sizes = [(width, 3), (width, 3)]
        if bottleneck:
            sizes = [(width, 1), (width, 3), (4 * width, 1)]
        out_channels = sizes[-1][0]
        parts: OrderedDict[str, Module | None] = OrderedDict()
        channels, left = in_channels, stride
        for i, (made, size) in enumerate(sizes, 1):
            for kind in repeated:
                if kind == "conv":
                    step = left if size == 3 else 1
                    if scale == "fixup":
                        parts[f"shift{i}"] = Affine()
                    parts[f"conv{i}"] = Conv2d(
                        channels, made, size, step, size // 2, bias=norm is None and scale != "fixup"
                    )
                    channels, left = made, left // step
                elif kind == "norm":
                    parts[f"norm{i}"] = make_norm(norm, channels)
                elif scale == "fixup":
                    parts[f"relu{i}"] = Sequential(Affine(), ReLU())
                else:
                    parts[f"relu{i}"] = ReLU()
        for name in list(parts)[len(parts) - dropped :]:
            del parts[name]
        if scale == "fixup":
            parts["scale"] = Affine(scale=True)
        self.branch = Sequential(OrderedDict((name, part) for name, part in parts.items() if part is not None))
        self.scale = Parameter(zeros(1)) if scale == "skipinit" and residual else None
        self.shortcut: Module | None = None
        if residual and (shortcut == "C" or stride != 1 or in_channels != out_channels):
            if shortcut == "A":
                self.shortcut = PadShortcut(in_channels, out_channels, stride)
            else:
                self.shortcut = Projection(in_channels, out_channels, stride, norm=norm == "batch")
        self.norm = make_norm(norm, out_channels) if "norm" in after else None
        self.relu = ReLU() if "relu" in after else None
        self.residual = residual

    def forward(self, input: Tensor) -> Tensor:
        """Go both ways, and add; the plain twin has the branch alone."""
        if self.residual:
            s, b = skip.fork(input)
            b = self.branch(b)
            if self.scale is not None:
                b = self.scale * b
            if self.shortcut is not None:
                s = self.shortcut(s)
            y: Tensor = skip.residual_add(s, b)
        else:
            y = self.branch(input)
        if self.norm is not None:
            y = self.norm(y)
        if self.relu is not None:
            y = self.relu(y)
        return y


class ResNet(Module):
    """A stem, three stages of blocks, the mean over all pixels, and a linear layer; made by :func:`resnet`."""

    def __init__(
        self,
        blocks: int,
        num_classes: int,
        in_channels: int,
        width: int,
        bottleneck: bool,
        shortcut: str,
        norm: str | None,
        scale: str | None,
        order: str,
        residual: bool,
        stem_stride: int,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, width, 3, stem_stride, 1, bias=norm is None)
        first = order in ("original", "norm after add", "relu before add")
        self.norm1 = make_norm(norm, width) if first else None
        self.relu1 = ReLU() if first else None
        channels = width
        for stage in range(3):
            made = []
            for i in range(blocks):
                stride = 2 if stage and not i else 1
                wide = width * 2**stage
                made.append(ResidualBlock(channels, wide, stride, bottleneck, shortcut, norm, scale, order, residual))
                channels = 4 * wide if bottleneck else wide
            setattr(self, f"stage{stage + 1}", Sequential(*made))
        # Where nothing follows the last addition, the sum is normalised and rectified once, at the end.
        self.norm2 = make_norm(norm, channels) if order == "pre-activation" else None
        self.relu2 = None if first else ReLU()
        self.channels = channels
        self.fc = Linear(channels, num_classes)
        self._start(scale, blocks * 3)

    def stages(self, input: Tensor) -> list[Tensor]:
        """What each of the three stages gives: (N, C, H, W) at 1, 1/2 and 1/4 of the stem's resolution."""
        x = self.conv1(input)
        for part in (self.norm1, self.relu1):
            x = x if part is None else part(x)
        found = []
        for stage in (self.stage1, self.stage2, self.stage3):
            x = stage(x)
            found.append(x)
        for part in (self.norm2, self.relu2):
            found[-1] = found[-1] if part is None else part(found[-1])
        return found

    def forward(self, input: Tensor) -> Tensor:
        """Sort images, (N, C, H, W) to (N, num_classes)."""
        x = self.stages(input)[-1]
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        scores: Tensor = self.fc(x)
        return scores

    def _start(self, scale: str | None, blocks: int) -> None:
        """He's initialisation; with Fixup, branches that are 0 and shrink with depth."""
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    init.zeros_(module.bias)
        if scale != "fixup":
            return
        for module in self.modules():
            if isinstance(module, ResidualBlock):
                *others, last = [part for part in module.branch if isinstance(part, Conv2d)]
                init.zeros_(last.weight)
                for conv in others:
                    conv.weight.data *= blocks ** (-1 / (2 * len(others)))
        for parameter in self.fc.parameters():
            init.zeros_(parameter)


def resnet(
    depth: int = 56,
    num_classes: int = 10,
    in_channels: int = 3,
    width: int = 16,
    bottleneck: bool = False,
    shortcut: str = "A",
    norm: str | None = "batch",
    scale: str | None = None,
    order: str = "original",
    residual: bool = True,
    stem_stride: int = 1,
) -> ResNet:
    """A residual net for small images (He et al., 2015, section 4.2).

    Parameters
    ----------
    depth
        Layers with weights: 6n + 2, or 9n + 2 with ``bottleneck``; 20, 32, 44, 56, 110 and 1202 are the paper's.
    num_classes, in_channels
        Outputs, and the channels of an image.
    width
        Channels of the first stage; the others have 2 and 4 times as many.
    bottleneck
        Blocks of three convolutions for blocks of two.
    shortcut
        ``"A"``, ``"B"`` or ``"C"``: see this file's first lines.
    norm
        ``"batch"``, ``"group"`` (8 channels a group), ``"layer"`` or None.
    scale
        None, ``"skipinit"``, or ``"fixup"`` (for ``norm=None`` and the original order).
    order
        What stands where in a block, one of ``ORDERS``.
    residual
        False for the plain twin: the same layers, no skips.
    stem_stride
        The stride of the first convolution.

    Raises
    ------
    ValueError
        For a depth that doesn't fit, or a setting of another name.

    Examples
    --------
    >>> from minigrad import models
    >>> sum(p.numel() for p in models.resnet(20).parameters())  # 0.27 million, says the paper
    269722
    """
    truths("resnet", bottleneck=bottleneck, residual=residual)
    layers = 9 if bottleneck else 6
    if integer("resnet", "depth", depth, most=10_000) < layers + 2 or (depth - 2) % layers:
        below = max((depth - 2) // layers, 1) * layers + 2
        raise OperationError(f"resnet({depth}): the depth is {layers} n + 2; {below} and {below + layers} fit")
    for name, value, allowed in (
        ("shortcut", shortcut, ("A", "B", "C")),
        ("norm", norm, _NORMS),
        ("scale", scale, (None, "skipinit", "fixup")),
        ("order", order, tuple(ORDERS)),
    ):
        choice("resnet", name, value, allowed)
    if scale == "fixup" and (norm is not None or order != "original"):
        raise ValueError("resnet: Fixup stands in for a normalisation, in the original order: say norm=None")
    return ResNet(
        (depth - 2) // layers, num_classes, in_channels, width, bottleneck,
        shortcut, norm, scale, order, residual, stem_stride,
    )  # fmt: skip
