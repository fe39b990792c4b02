"""Channels as places and back: pixel_shuffle, pixel_unshuffle, channel_shuffle. They only move elements."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import integer, tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.shape import movedim, reshape, transpose


def _image(name: str, input: Any) -> tuple[tuple[int, ...], int, int, int]:
    shape: Any = tensor(name, "input", input).shape
    if len(shape) < 3:
        raise OperationError(f"{name}: the input must have shape (..., C, H, W), it has {shape}")
    return shape[:-3], *shape[-3:]


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(..., C * r * r, H, W) as (..., C, H * r, W * r): r * r channels become a square of places (Shi et al., 2016).

    Raises
    ------
    OperationError
        If the channels can't be divided so.
    """
    r = integer("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    batch, c, h, w = _image("pixel_shuffle", input)
    if c % (r * r):
        raise OperationError(f"pixel_shuffle: {c} channels can't be divided by upscale_factor**2 = {r * r}")
    x = reshape(input, *batch, c // (r * r), r, r, h, w)
    x = movedim(x, (-4, -3), (-3, -1))  # (..., C, H, r, W, r)
    return reshape(x, *batch, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(..., C, H * r, W * r) as (..., C * r * r, H, W): the inverse of ``pixel_shuffle``.

    Raises
    ------
    OperationError
        If height or width can't be divided so.
    """
    r = integer("pixel_unshuffle", "downscale_factor", downscale_factor, 1)
    batch, c, h, w = _image("pixel_unshuffle", input)
    if h % r or w % r:
        raise OperationError(f"pixel_unshuffle: {(h, w)} can't be divided by downscale_factor={r}")
    x = reshape(input, *batch, c, h // r, r, w // r, r)
    x = movedim(x, (-3, -1), (-4, -3))  # (..., C, r, r, H, W)
    return reshape(x, *batch, c * r * r, h // r, w // r)


def channel_shuffle(input: Any, groups: int) -> Any:
    """Deal out the channels of ``groups`` groups in turn (Zhang et al., 2018).

    Raises
    ------
    OperationError
        If the channels can't be divided so.
    """
    groups = integer("channel_shuffle", "groups", groups, 1)
    shape = tensor("channel_shuffle", "input", input).shape
    if len(shape) < 3:
        raise OperationError(f"channel_shuffle: the input must have shape (N, C, L, ...), it has {shape}")
    n, c, *places = shape
    if c % groups:
        raise OperationError(f"channel_shuffle: {c} channels can't be divided into groups={groups}")
    return reshape(transpose(reshape(input, n, groups, c // groups, *places), 1, 2), n, c, *places)
