"""Attention of several heads, with PyTorch's parameters."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import integer, number, tensor, tensor_or_none, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.ops.join import cat
from minigrad.ops.select import where
from minigrad.tensors.tensor import Tensor, from_array


class MultiheadAttention(Module):
    """``softmax(q k.T / sqrt(d)) v`` in several heads side by side (Vaswani et al., 2017).

    Parameters
    ----------
    embed_dim
        The features of a place in the sequence; divided evenly among the heads.
    num_heads
        The number of heads.
    dropout
        The probability with which an attention weight is dropped in training.
    bias
        Whether the projections have biases.
    add_bias_kv
        Add a learnt key and value to those of the input.
    add_zero_attn
        Add a key and a value of zeros: what attends to it, attends to nothing.
    kdim, vdim
        The features of keys and values; by default as many as ``embed_dim``.
    batch_first
        Whether inputs are (N, L, E) and not (L, N, E).

    Attributes
    ----------
    in_proj_weight, in_proj_bias
        The projections to queries, keys and values, one below the other: (3 * embed_dim, embed_dim).
    q_proj_weight, k_proj_weight, v_proj_weight
        The three apart, where keys or values have another size; then ``in_proj_weight`` is None.
    bias_k, bias_v
        The key and the value of ``add_bias_kv``, (1, 1, embed_dim).
    out_proj
        The last projection, a ``Linear``.

    Raises
    ------
    ValueError
        If ``embed_dim`` is not divisible by ``num_heads``.

    Examples
    --------
    >>> import minigrad as mg
    >>> attention = mg.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = mg.randn(1, 5, 8)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((1, 5, 8), (1, 5, 5))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = "MultiheadAttention"
        truths(layer, bias=bias, add_bias_kv=add_bias_kv, add_zero_attn=add_zero_attn, batch_first=batch_first)
        integer(layer, "num_heads", num_heads, least=1)
        if integer(layer, "embed_dim", embed_dim, least=1) % num_heads:
            raise OperationError(f"{layer}: embed_dim={embed_dim} must be divisible by num_heads={num_heads}")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout = number(layer, "dropout", dropout, least=0, most=1)
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self.kdim = embed_dim if kdim is None else integer(layer, "kdim", kdim, least=1)
        self.vdim = embed_dim if vdim is None else integer(layer, "vdim", vdim, least=1)
        one_size = self.kdim == self.vdim == embed_dim
        sizes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        self.register_parameter(
            "in_proj_weight",
            empty_parameter(3 * embed_dim, embed_dim, device=device, dtype=dtype) if one_size else None,
        )
        for name, size in sizes.items():
            weight = None if one_size else empty_parameter(embed_dim, size, device=device, dtype=dtype)
            self.register_parameter(name, weight)
        in_proj_bias = empty_parameter(3 * embed_dim, device=device, dtype=dtype) if bias else None
        self.register_parameter("in_proj_bias", in_proj_bias)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            more = empty_parameter(1, 1, embed_dim, device=device, dtype=dtype) if add_bias_kv else None
            self.register_parameter(name, more)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the input projections anew (Xavier), and set the biases to 0."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for more in (self.bias_k, self.bias_v):
            if more is not None:
                init.xavier_normal_(more)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        query, key, value
            Of shape (L, N, E), with ``batch_first`` (N, L, E), or (L, E).
        key_padding_mask
            Of shape (N, S): True, or minus infinity, where a key is to be ignored.
        need_weights
            Give the attention weights too.
        attn_mask
            Of shape (L, S) or (N * num_heads, L, S): True, or minus infinity, where a query can't see a key.
        average_attn_weights
            Give their mean over the heads.
        is_causal
            Says that ``attn_mask`` is the causal one, which has to be given too, as in PyTorch.

        Returns
        -------
        tuple
            The output, in the shape of ``query``, and the weights (N, L, S), or None.
        """
        layer = "MultiheadAttention"
        for name, x in (("query", query), ("key", key), ("value", value)):
            tensor(layer, name, x, arrays=False)
        tensor_or_none(layer, "key_padding_mask", key_padding_mask)
        tensor_or_none(layer, "attn_mask", attn_mask)
        truths(layer, need_weights=need_weights, average_attn_weights=average_attn_weights, is_causal=is_causal)
        if is_causal and attn_mask is None:
            raise OperationError("is_causal=True needs attn_mask= too: True where a query can't see a key")
        single = query.ndim == 2
        if not query.ndim == key.ndim == value.ndim or query.ndim not in (2, 3):
            shapes = f"{query.shape}, {key.shape} and {value.shape}"
            raise OperationError(
                f"MultiheadAttention: query, key and value must all have 3 dimensions, or 2, not {shapes}"
            )
        if single or not self.batch_first:
            turned: dict[int, Tensor] = {}  # one tensor that is given three times stays one
            for x in (query, key, value):
                if id(x) not in turned:
                    turned[id(x)] = x.unsqueeze(0) if single else x.transpose(0, 1)
            query, key, value = (turned[id(x)] for x in (query, key, value))
        q, k, v = self._heads(query, key, value)
        mask = self._mask(attn_mask, key_padding_mask, (*q.shape[:3], key.shape[1]), q.dtype)
        if mask is not None and k.shape[2] > key.shape[1]:
            mask = F.pad(mask, (0, k.shape[2] - key.shape[1]))  # everyone sees the keys that were added
        drop = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = (q * self.head_dim**-0.5) @ k.transpose(-2, -1)
            every = F.dropout(F.softmax(scores if mask is None else scores + mask, -1), drop)
            y = every @ v
            weights = every.mean(1) if average_attn_weights else every
        else:
            y = F.scaled_dot_product_attention(q, k, v, mask, drop)
        y = y.transpose(1, 2).flatten(2)
        y = self.out_proj(y)
        if single:
            return y.squeeze(0), None if weights is None else weights.squeeze(0)
        return (y if self.batch_first else y.transpose(0, 1)), weights

    def _heads(self, *inputs: Tensor) -> list[Tensor]:
        """Queries, keys and values, each (N, num_heads, length, head_dim)."""
        plain = self.bias_k is None and not self.add_zero_attn
        to_oneself = inputs[0] is inputs[1] is inputs[2]
        if plain and self.in_proj_weight is not None and to_oneself:  # one product for all three
            y = F.linear(inputs[0], self.in_proj_weight, self.in_proj_bias)
            y = y.unflatten(2, (3, self.num_heads, self.head_dim))
            return [part.transpose(1, 2) for part in y.unbind(2)]
        heads = []
        own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        for i, (x, weight, more) in enumerate(zip(inputs, own, (None, self.bias_k, self.bias_v), strict=True)):
            rows = slice(i * self.embed_dim, (i + 1) * self.embed_dim)
            bias = None if self.in_proj_bias is None else self.in_proj_bias[rows]
            if weight is None:
                assert self.in_proj_weight is not None
                weight = self.in_proj_weight[rows]
            y = F.linear(x, weight, bias)
            if more is not None:
                y = cat([y, more.expand(len(y), 1, self.embed_dim)], 1)
            if i > 0 and self.add_zero_attn:
                y = F.pad(y, (0, 0, 0, 1))
            heads.append(y.unflatten(2, (self.num_heads, self.head_dim)).transpose(1, 2))
        return heads

    def _mask(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, shape: tuple[int, ...], dtype: Any
    ) -> Tensor | None:
        """Both masks as one that is added to the scores, (N, num_heads, L, S)."""
        n, heads, length, keys_length = shape
        total = None
        if attn_mask is not None:
            if attn_mask.shape not in ((length, keys_length), (n * heads, length, keys_length)):
                raise OperationError(
                    f"MultiheadAttention: attn_mask must be {(length, keys_length)}, (queries, keys), or "
                    f"{(n * heads, length, keys_length)}, one for each sequence and head; it is {attn_mask.shape}"
                )
            total = _additive(attn_mask, dtype)
            if attn_mask.ndim == 3:
                total = total.reshape(shape)
        if key_padding_mask is not None:
            if key_padding_mask.shape not in ((n, keys_length), (keys_length,) if n == 1 else ()):
                raise OperationError(
                    f"MultiheadAttention: key_padding_mask must be {(n, keys_length)}, (sequences, keys); it is "
                    f"{key_padding_mask.shape}"
                )
            keys = _additive(key_padding_mask, dtype).reshape(-1, 1, 1, shape[-1])
            total = keys if total is None else total + keys
        return total


def _additive(mask: Tensor, dtype: Any) -> Tensor:
    """Minus infinity where a mask says True; a mask of numbers as it is."""
    if mask.dtype.kind != "b":
        return mask.to(dtype)
    zero = from_array(mask.array.astype(dtype) * 0)
    return where(mask, float("-inf"), zero)
