"""A detector without anchors, at one scale: every object is a point (Zhou et al., 2019, "Objects as Points").

A residual backbone of 50 layers or more goes down to 1/8 of the image; one skip comes back up: the deep map, which
knows *what*, is enlarged and *added* to that of 1/4, which knows *where*. Three heads of two layers give the maps
of ``heatmaps``: centres by class, where in its pixel each centre is, and how large the box is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import integer, truths
from minigrad.models.heatmaps import Maps, decode, detection_loss, encode
from minigrad.models.residual_nets import resnet
from minigrad.nn import init
from minigrad.nn.activation import ReLU
from minigrad.nn.container import Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.module import Module
from minigrad.tensors.tensor import Tensor


class Detector(Module):
    """Finds boxes of ``num_classes`` kinds.

    Parameters
    ----------
    num_classes
        Kinds of objects.
    in_channels
        Channels of the image.
    depth
        Layers of the backbone: 6n + 2.
    width
        Channels of the backbone's first stage, and of everything after the backbone twice as many.
    residual
        False for the twin whose backbone has no skips.
    top_down
        False for the twin without the skip from the top down: the heads read the map of 1/4 alone.

    Examples
    --------
    >>> import minigrad as mg
    >>> net = mg.models.Detector(num_classes=2, depth=8, width=4)
    >>> net(mg.zeros(1, 3, 64, 96))["heatmap"].shape
    (1, 2, 16, 24)
    """

    #: How many pixels of the image one of the maps is.
    stride = 4

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        depth: int = 56,
        width: int = 8,
        residual: bool = True,
        top_down: bool = True,
    ) -> None:
        super().__init__()
        truths("Detector", top_down=top_down)
        self.num_classes = integer("Detector", "num_classes", num_classes, least=1)
        integer("Detector", "width", width, least=1)
        self.backbone = resnet(
            depth, in_channels=in_channels, width=width, shortcut="B", residual=residual, stem_stride=2
        )
        del self.backbone.fc  # a classifier's last layer: nothing here reads it
        wide = 2 * width
        self.lateral = Conv2d(2 * width, wide, 1)
        self.top = Conv2d(4 * width, wide, 1) if top_down else None
        self.heatmap = self._head(wide, num_classes)
        self.offset = self._head(wide, 2)
        self.size = self._head(wide, 2)
        init.constant_(self.heatmap.out.bias, -2.19)  # a pixel is a centre with probability 0.1 at first

    @staticmethod
    def _head(wide: int, outputs: int) -> Sequential:
        parts = OrderedDict(conv=Conv2d(wide, wide, 3, padding=1), relu=ReLU(), out=Conv2d(wide, outputs, 1))
        return Sequential(parts)

    def forward(self, input: Tensor) -> Maps:
        """Images, (N, C, H, W), to maps of 1/4 of their height and width (rounded up): heatmap, offset and size."""
        _, middle, deep = self.backbone.stages(input)
        x: Tensor = self.lateral(middle)
        if self.top is not None:
            height, width = x.shape[-2:]
            x = skip.residual_add(x, F.interpolate(self.top(deep), scale_factor=2)[..., :height, :width])
        for_heat, for_offset, for_size = skip.fork(F.relu(x), 3)
        return {"heatmap": self.heatmap(for_heat), "offset": self.offset(for_offset), "size": self.size(for_size)}

    def loss(self, images: Tensor, targets: Sequence[dict[str, Any]]) -> Tensor:
        """What is wrong with the maps of these images; see ``heatmaps``."""
        outputs = self(images)
        size = outputs["heatmap"].shape[-2:]
        return detection_loss(outputs, encode(targets, self.num_classes, (size[0], size[1]), self.stride))

    def detect(self, images: Tensor, threshold: float = 0.1, most: int = 100) -> list[dict[str, Tensor]]:
        """The boxes that are found in each image: ``boxes``, ``scores`` and ``labels``."""
        return decode(self(images), self.stride, threshold, most)
