"""PyTorch's place for helpers, so that ``torch.utils.data`` becomes ``minigrad.utils.data``."""

from __future__ import annotations

from minigrad.nothing import model_zoo
from minigrad.utils import data

__all__ = ["data", "model_zoo"]
