"""Layers of volumes, in name only: minigrad has no third dimension, and they can't be made.

The names stand here because model files ask ``isinstance(m, nn.Conv3d)`` of every layer, also where there is none.
"""

from __future__ import annotations

from typing import Any

from minigrad.nn.conv import _ConvNd
from minigrad.nn.module import Module
from minigrad.nn.norm import _BatchNorm


def _refuse(cls: type) -> Any:
    raise NotImplementedError(
        f"{cls.__name__}: minigrad has no layers of volumes; for images there is {cls.__name__[:-2]}2d"
    )


class BatchNorm3d(_BatchNorm):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(BatchNorm3d)


class Conv3d(_ConvNd):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(Conv3d)


class ConvTranspose3d(_ConvNd):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(ConvTranspose3d)


class InstanceNorm3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(InstanceNorm3d)


class MaxPool3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(MaxPool3d)


class AvgPool3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(AvgPool3d)


class AdaptiveAvgPool3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(AdaptiveAvgPool3d)


class AdaptiveMaxPool3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(AdaptiveMaxPool3d)


class Dropout3d(Module):
    """A name only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(Dropout3d)
