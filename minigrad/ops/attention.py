"""Attention, put together from named operations, so that a trace shows its every step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import flag, number, tensor_or_none, tensors
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import causal as kernels
from minigrad.ops.arithmetic import add, mul
from minigrad.ops.common import T, is_array, shape_of
from minigrad.ops.dropout import dropout
from minigrad.ops.index import repeat_interleave
from minigrad.ops.linalg import matmul
from minigrad.ops.select import masked_fill
from minigrad.ops.shape import transpose
from minigrad.ops.softmax import softmax


class CausalSoftmax(Node):
    """Softmax along the last axis over keys 0 to the query's number, 0 for later ones.

    Backward: ``gx = y * (gy - sum(gy * y))``.
    """

    def forward(self, x: Any) -> Any:
        self.y = kernels.causal_softmax(x)
        return self.y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.causal_softmax_backward(gy, self.y)
        weighted = gy * self.y
        return weighted - self.y * weighted.sum(axis=-1, keepdims=True)


def scaled_dot_product_attention(
    query: T,
    key: T,
    value: T,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> T:
    """Give each query the mean of the values, weighted by how well their keys fit.

    ``softmax(query @ key.T * scale + mask) @ value`` (Vaswani et al., 2017).

    Parameters
    ----------
    query
        Of shape (..., L, E).
    key, value
        Of shapes (..., S, E) and (..., S, Ev).
    attn_mask
        Booleans, True where a query may see a key, or numbers that are added to the scores; can be
        broadcast to (..., L, S). A query that may see nothing gets zeros.
    dropout_p
        The probability with which a weight is dropped.
    is_causal
        Query ``i`` sees only keys 0 to ``i``; not beside a mask.
    scale
        By default ``1 / sqrt(E)``.
    enable_gqa
        Let several heads of the query (axis -3) share one of the key and the value.

    Raises
    ------
    OperationError
        If the shapes don't fit.
    """
    tensors("scaled_dot_product_attention", query=query, key=key, value=value)
    shape_q, shape_k = shape_of(query), shape_of(key)
    if min(len(shape_q), len(shape_k), len(shape_of(value))) < 2 or shape_q[-1] != shape_k[-1]:
        raise OperationError(
            f"scaled_dot_product_attention: query (..., L, E) and key (..., S, E) have shapes {shape_q} and {shape_k}"
        )
    tensor_or_none("scaled_dot_product_attention", "attn_mask", attn_mask)
    is_causal = flag("scaled_dot_product_attention", "is_causal", is_causal)
    if is_causal and attn_mask is not None:
        raise OperationError("scaled_dot_product_attention: give attn_mask= or is_causal=True, one of the two")
    if flag("scaled_dot_product_attention", "enable_gqa", enable_gqa):
        heads = shape_q[-3]
        key = repeat_interleave(key, heads // shape_k[-3], -3)
        value = repeat_interleave(value, heads // shape_of(value)[-3], -3)
    factor = 1 / math.sqrt(shape_q[-1]) if scale is None else number("scaled_dot_product_attention", "scale", scale)
    scores = matmul(mul(query, factor), transpose(key, -2, -1))
    if is_causal:
        weights: Any = CausalSoftmax().apply_to(scores)
    elif attn_mask is None:
        weights = softmax(scores, -1)
    else:
        weights = _masked_softmax(scores, attn_mask)
    return matmul(dropout(weights, number("scaled_dot_product_attention", "dropout_p", dropout_p, 0, 1)), value)


def _masked_softmax(scores: T, mask: Any) -> T:
    """Softmax over the keys that the mask leaves; all zeros where it leaves none."""
    array = array_of(mask)
    hidden = ~array if array.dtype == bool else np.isneginf(array)
    blind = hidden.all(axis=-1, keepdims=True)
    if array.dtype != bool:
        scores = add(scores, mask)
    # A row without a finite score would give NaN: let it see everything first, and then nothing.
    if blind.any():
        scores = masked_fill(scores, blind, 0.0)
    if array.dtype == bool:
        scores = masked_fill(scores, hidden & ~blind, -math.inf)
    weights = softmax(scores, -1)
    return masked_fill(weights, blind, 0.0) if blind.any() else weights
