"""PyTorch's place for helpers, so that ``torch.utils.data`` becomes ``minigrad.utils.data``."""

from minigrad.nothing import model_zoo
from minigrad.utils import data

__all__ = ["data", "model_zoo"]
