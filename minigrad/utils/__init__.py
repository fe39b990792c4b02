"""PyTorch's place for helpers, so that ``torch.utils.data`` becomes ``minigrad.utils.data``."""
