"""PyTorch's paths of the layers, ``nn.modules.conv`` and its kin, over the files of ``minigrad/nn``.

A model file that subclasses a layer, or asks ``isinstance(m, nn.modules.batchnorm._BatchNorm)``, names it by its path.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from minigrad.missing import lister as _lister
from minigrad.nn.module import Module

#: For each of PyTorch's files, ours, in which its classes are.
_FILES = {
    "activation": ("activation", "more_activations", "attention"),
    "batchnorm": ("norm", "volumes"),
    "container": ("container", "parameters"),
    "conv": ("conv", "conv_transpose", "volumes"),
    "distance": ("distance",),
    "dropout": ("dropout",),
    "flatten": ("linear",),
    "fold": ("rearranging",),
    "instancenorm": ("other_norms",),
    "linear": ("linear", "distance"),
    "loss": ("loss", "margin_loss"),
    "module": ("module",),
    "normalization": ("norm", "other_norms"),
    "padding": ("padding",),
    "pixelshuffle": ("rearranging",),
    "pooling": ("pooling", "more_pooling"),
    "rnn": ("recurrent", "cells"),
    "sparse": ("embedding",),
    "transformer": ("transformer",),
    "upsampling": ("pooling", "more_pooling"),
    "utils": ("tuples",),
}


def _path(name: str, files: tuple[str, ...]) -> ModuleType:
    """A module with the classes of some of our files."""
    module = ModuleType(f"{__name__}.{name}", f"The classes of minigrad.nn.{' and '.join(files)}.")
    for file in files:
        found = vars(importlib.import_module(f"minigrad.nn.{file}"))
        vars(module).update({key: value for key, value in found.items() if not key.startswith("__")})
    sys.modules[module.__name__] = module  # so that ``from minigrad.nn.modules.conv import _ConvNd`` finds it too
    return module


globals().update({name: _path(name, files) for name, files in _FILES.items()})
__all__ = ["Module", *_FILES]
__dir__ = _lister(__name__)
