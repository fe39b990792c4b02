"""How tensors are shown: in a debugger, printed, and in a notebook."""

from __future__ import annotations

import html

import numpy as np

from minigrad.engine.base import TensorBase

#: Up to this many values stand in a repr.
FEW = 12


def _origin(tensor: TensorBase) -> str:
    """What made the tensor: its node and module, or that it is a leaf with a gradient."""
    if tensor.node is not None:
        module = f" {tensor.node.module!r}" if tensor.node.module else ""
        slot = f"[{tensor.slot}]" if len(tensor.node.out_shapes) > 1 else ""
        return f", node={tensor.node.name}{slot}{module}"
    return ", requires_grad=True" if tensor.requires_grad else ""


def summary(tensor: TensorBase) -> str:
    """``Tensor(shape=(64, 32), float32, node=Linear#12 'block3.fc1')``; few values are shown as well."""
    data = tensor.array
    values = ""
    if data.size <= FEW:
        values = np.array2string(data, separator=", ", precision=4, max_line_width=10_000).replace("\n", "") + ", "
    name = f", name={tensor.name!r}" if tensor.name else ""
    return f"{type(tensor).__name__}({values}shape={data.shape}, {data.dtype}{name}{_origin(tensor)})"


def printed(tensor: TensorBase) -> str:
    """The values, as PyTorch prints them."""
    data = tensor.array
    body = np.array2string(data, separator=", ", precision=4, prefix="tensor(", threshold=1000)
    usual = data.dtype in (np.float32, np.int64, np.bool_)
    dtype = "" if usual else f", dtype={data.dtype}"
    return f"tensor({body}{dtype}{_origin(tensor)})"


def as_html(tensor: TensorBase) -> str:
    """A notebook's view: the summary, and the values below it."""
    values = np.array2string(tensor.array, separator=" ", precision=4, threshold=200)
    return f"<div><code>{html.escape(summary(tensor))}</code><pre>{html.escape(values)}</pre></div>"
