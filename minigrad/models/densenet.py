"""DenseNet: every layer reads all earlier ones, side by side (Huang et al., 2016).

Where a residual net *adds*, a dense block *concatenates*: nothing is summed, so what a layer made reaches every later
layer of its block as it is. In backward each reader sends back its slice, and the fork in front of each layer sums
them: a source's gradient is the sum of all its readers' slices. Layer L of a block is reached by 2^(L-1) routes.

The price is memory: layer by layer the same features are normalised and rectified anew. With ``memory_lean`` these
copies are made again in backward (`minigrad.utils.checkpoint`; Pleiss et al., 2017); the concatenations stay.
"""

from __future__ import annotations

from collections import OrderedDict

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import integer, number, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import init
from minigrad.nn.activation import ReLU
from minigrad.nn.container import Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm2d
from minigrad.nn.pooling import AvgPool2d
from minigrad.tensors.tensor import Tensor
from minigrad.utils.checkpoint import checkpoint


class DenseLayer(Module):
    """Fork; make ``growth`` new channels of all that there are; put them beside what there was."""

    def __init__(self, in_channels: int, growth: int, bottleneck: bool, memory_lean: bool) -> None:
        super().__init__()
        parts: OrderedDict[str, Module] = OrderedDict(norm1=BatchNorm2d(in_channels), relu1=ReLU())
        if bottleneck:
            parts["conv1"] = Conv2d(in_channels, 4 * growth, 1, bias=False)
            parts["norm2"], parts["relu2"] = BatchNorm2d(4 * growth), ReLU()
            in_channels = 4 * growth
        parts["conv"] = Conv2d(in_channels, growth, 3, padding=1, bias=False)
        self.branch = Sequential(parts)
        self.memory_lean = memory_lean

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + growth, H, W)."""
        s, b = skip.fork(input)
        new = checkpoint(self.branch, b) if self.memory_lean and self.training else self.branch(b)
        joined: Tensor = skip.skip_concat(s, new)
        return joined


class DenseNet(Module):
    """Three dense blocks, with a 1x1 convolution and a pooling between them.

    Parameters
    ----------
    depth
        Layers with weights: 3n + 4, or 6n + 4 with ``bottleneck``; the paper has 40, 100, 190 and 250.
    growth
        How many channels each layer adds: the paper's k.
    num_classes, in_channels
        Outputs, and the channels of an image.
    bottleneck
        A 1x1 convolution to 4k channels in front of each 3x3 one: the paper's B.
    compression
        By how much a transition narrows: the paper's theta; 0.5 is its C.
    memory_lean
        Compute branches again in backward, and keep nothing of them. Running statistics then move twice a step.

    Raises
    ------
    ValueError
        For a depth that doesn't fit.

    Examples
    --------
    >>> from minigrad import models
    >>> sum(p.numel() for p in models.DenseNet(40, 12).parameters())  # 1.0 million, says the paper
    1019722
    """

    def __init__(
        self,
        depth: int = 40,
        growth: int = 12,
        num_classes: int = 10,
        in_channels: int = 3,
        bottleneck: bool = False,
        compression: float = 1.0,
        memory_lean: bool = False,
    ) -> None:
        super().__init__()
        truths("DenseNet", bottleneck=bottleneck, memory_lean=memory_lean)
        integer("DenseNet", "growth", growth, least=1)
        number("DenseNet", "compression", compression, least=0, most=1)
        layers = 6 if bottleneck else 3
        if (integer("DenseNet", "depth", depth, layers + 4, 10_000) - 4) % layers:
            raise OperationError(f"DenseNet(depth={depth}): the depth is {layers} n + 4 with n layers a block")
        channels = 2 * growth if bottleneck else 16
        self.conv1 = Conv2d(in_channels, channels, 3, padding=1, bias=False)
        for block in (1, 2, 3):
            made = []
            for _ in range((depth - 4) // layers):
                made.append(DenseLayer(channels, growth, bottleneck, memory_lean))
                channels += growth
            setattr(self, f"block{block}", Sequential(*made))
            if block < 3:
                narrow = int(channels * compression)
                parts = OrderedDict(
                    norm=BatchNorm2d(channels),
                    relu=ReLU(),
                    conv=Conv2d(channels, narrow, 1, bias=False),
                    pool=AvgPool2d(2),
                )
                setattr(self, f"transition{block}", Sequential(parts))
                channels = narrow
        self.norm = BatchNorm2d(channels)
        self.relu = ReLU()
        self.fc = Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, input: Tensor) -> Tensor:
        """Sort images, (N, C, H, W) to (N, num_classes)."""
        x = self.conv1(input)
        x = self.transition1(self.block1(x))
        x = self.transition2(self.block2(x))
        x = self.relu(self.norm(self.block3(x)))
        scores: Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return scores
