"""What becomes of a complete gradient: the tensor's hooks see it, and it goes into ``tensor.grad``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, as_tensor


def after_hooks(tensor: TensorBase, gradient: Any) -> Any:
    """The gradient of a tensor, as its hooks leave it."""
    for hook in list((tensor._hooks or {}).values()):
        given = gradient if isinstance(gradient, TensorBase) else as_tensor(gradient)
        changed = hook(given)
        if changed is not None:
            keep = isinstance(gradient, TensorBase) or not isinstance(changed, TensorBase)
            gradient = changed if keep else changed.array
    return gradient


def accumulate(tensor: TensorBase, gradient: Any) -> None:
    """Put a gradient into ``tensor.grad``: a leaf's grows from consumer to consumer, and from pass to pass."""
    before = tensor._grad
    if tensor.node is not None and not tensor.retains_grad:
        tensor._grad = gradient
    elif before is None:
        # A copy, because a rule may have handed the same array to another leaf.
        tensor._grad = gradient if isinstance(gradient, TensorBase) else np.array(gradient)
    elif isinstance(gradient, TensorBase):
        tensor._grad = before + gradient
    elif not isinstance(before, TensorBase):
        before += gradient
    elif before.requires_grad:
        tensor._grad = before.array + gradient
    else:
        before.array += gradient
