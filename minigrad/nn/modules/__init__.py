"""PyTorch's paths of the layers, ``nn.modules.conv`` and its kin: the files of ``minigrad/nn`` under those names.

A model file that subclasses a layer, or asks ``isinstance(m, nn.modules.batchnorm._BatchNorm)``, names it by its path.
"""

from __future__ import annotations

import sys

from minigrad.nn import activation, container, conv, dropout, linear, loss, module, norm, pooling, tuples
from minigrad.nn import embedding as sparse
from minigrad.nn.module import Module

batchnorm = instancenorm = normalization = norm
upsampling = pooling
utils = tuples
flatten = linear

__all__ = [
    "Module",
    "activation",
    "batchnorm",
    "container",
    "conv",
    "dropout",
    "flatten",
    "instancenorm",
    "linear",
    "loss",
    "module",
    "normalization",
    "pooling",
    "sparse",
    "upsampling",
    "utils",
]

# So that ``from minigrad.nn.modules.conv import _ConvNd`` finds them too.
sys.modules.update({f"{__name__}.{name}": globals()[name] for name in __all__ if name != "Module"})
