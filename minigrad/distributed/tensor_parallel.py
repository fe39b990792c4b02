"""Tensor parallel: one layer's work divided among ranks, between an f and a g (Shoeybi et al., Megatron-LM, 2019).

A column-parallel layer computes some outputs on each rank, a row-parallel one takes some inputs on each. One behind
the other they need no communication in between: f, the fork before the first, and g, the join behind the second,
are all there is. All ranks have the same input, the same output and the same loss.
"""

from __future__ import annotations

from typing import Any

from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.nn.functional import copy_to_ranks, join_ranks, slice_of_rank, sum_over_ranks
from minigrad.distributed.shards import check_module, clip_grad_norm_, full_state_dict, shard
from minigrad.nn import functional as F
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensors.tensor import Tensor, from_array

__all__ = [
    "ColumnParallelLinear",
    "HeadParallelAttention",
    "RowParallelLinear",
    "clip_grad_norm_",
    "full_state_dict",
    "shard",
]


class ColumnParallelLinear(Module):
    """``y = x @ weight.T + bias``, of which each rank computes some of the outputs; f stands before it.

    Parameters
    ----------
    in_features, out_features, bias
        As for ``nn.Linear``, of the whole layer. The whole weight is drawn and cut, so ranks with the same seed
        have the layer that one process would have.
    gather_output
        Put all ranks' outputs side by side; else each rank goes on with its own.
    group
        The ranks; all by default.

    Raises
    ------
    ValueError
        If ``out_features`` can't be split equally.
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        gather_output: bool = True,
        group: ProcessGroup | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._take(Linear(in_features, out_features, bias, device, dtype), group_or_world(group))
        self.gather_output = gather_output

    def _take(self, whole: Linear, group: ProcessGroup) -> None:
        self.in_features, self.out_features, self.group = whole.in_features, whole.out_features, group
        self.weight = shard(whole.weight, 0, group)
        self.register_parameter("bias", None if whole.bias is None else shard(whole.bias, 0, group))

    @classmethod
    def from_linear(
        cls, linear: Linear, gather_output: bool = True, group: ProcessGroup | None = None
    ) -> ColumnParallelLinear:
        """Make the part of this rank of a layer that all ranks have."""
        check_module(f"{cls.__name__}.from_linear", linear, Linear)
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer._take(linear, group_or_world(group))
        layer.gather_output = gather_output
        return layer

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to an input that all ranks have."""
        y = F.linear(copy_to_ranks(input, self.group), self.weight, self.bias)
        return join_ranks(y, -1, self.group) if self.gather_output else y

    def extra_repr(self) -> str:
        """The settings."""
        return _settings(self) + f", gather_output={self.gather_output}"


class RowParallelLinear(Module):
    """``y = x @ weight.T + bias``, of which each rank takes some of the inputs; g stands behind it, then the bias.

    Parameters
    ----------
    in_features, out_features, bias
        As for ``ColumnParallelLinear``.
    input_is_parallel
        Whether the input is this rank's part already, as a column-parallel layer leaves it.
    group
        The ranks; all by default.

    Raises
    ------
    ValueError
        If ``in_features`` can't be split equally.
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        input_is_parallel: bool = False,
        group: ProcessGroup | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._take(Linear(in_features, out_features, bias, device, dtype), group_or_world(group))
        self.input_is_parallel = input_is_parallel

    def _take(self, whole: Linear, group: ProcessGroup) -> None:
        self.in_features, self.out_features, self.group = whole.in_features, whole.out_features, group
        self.weight = shard(whole.weight, 1, group)
        # The bias is added once, behind the sum, and is the same on all ranks.
        self.register_parameter("bias", None if whole.bias is None else Parameter(whole.bias.array.copy()))

    @classmethod
    def from_linear(
        cls, linear: Linear, input_is_parallel: bool = False, group: ProcessGroup | None = None
    ) -> RowParallelLinear:
        """Make the part of this rank of a layer that all ranks have."""
        check_module(f"{cls.__name__}.from_linear", linear, Linear)
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer._take(linear, group_or_world(group))
        layer.input_is_parallel = input_is_parallel
        return layer

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer; all ranks get the whole output."""
        mine = input if self.input_is_parallel else slice_of_rank(input, -1, self.group)
        y = sum_over_ranks(F.linear(mine, self.weight), self.group)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """The settings."""
        return _settings(self) + f", input_is_parallel={self.input_is_parallel}"


def _settings(layer: ColumnParallelLinear | RowParallelLinear) -> str:
    return (
        f"in_features={layer.in_features}, out_features={layer.out_features}, bias={layer.bias is not None}, "
        f"ranks={layer.group.size()}"
    )


class HeadParallelAttention(Module):
    """Self-attention, of which each rank computes some of the heads: an f before them, and a g behind.

    Parameters
    ----------
    whole
        The attention that all ranks have; its heads are dealt out.
    group
        The ranks; all by default.

    Raises
    ------
    ValueError
        If the heads can't be split equally.
    """

    def __init__(self, whole: MultiheadAttention, group: ProcessGroup | None = None) -> None:
        super().__init__()
        among = self.group = group_or_world(group)
        check_module("HeadParallelAttention", whole, MultiheadAttention)
        if whole.num_heads % among.size():
            raise ValueError(f"{whole.num_heads} heads can't be split equally among {among.size()} ranks")
        self.heads = whole.num_heads // among.size()
        self.head_dim, self.batch_first = whole.head_dim, whole.batch_first
        if whole.in_proj_weight is None or whole.bias_k is not None or whole.add_zero_attn:
            raise ValueError("attention with kdim, vdim, add_bias_kv or add_zero_attn isn't split among ranks")
        for i, name in enumerate(("q", "k", "v")):
            rows = slice(i * whole.embed_dim, (i + 1) * whole.embed_dim)
            weight = from_array(whole.in_proj_weight.array[rows])
            self.register_parameter(f"{name}_weight", shard(weight, 0, among))
            bias = whole.in_proj_bias
            part = None if bias is None else shard(from_array(bias.array[rows]), 0, among)
            self.register_parameter(f"{name}_bias", part)
        self.out_proj = RowParallelLinear.from_linear(whole.out_proj, input_is_parallel=True, group=among)

    def forward(self, input: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """Attend; all ranks have the same input, and get the same output.

        Parameters
        ----------
        input
            Of shape (L, N, E), or with ``batch_first`` (N, L, E).
        attn_mask
            As for ``F.scaled_dot_product_attention``.
        is_causal
            Let no position see a later one.
        """
        x = copy_to_ranks(input, self.group)
        x = x if self.batch_first else x.transpose(0, 1)
        q, k, v = (
            F.linear(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"))
            .unflatten(2, (self.heads, self.head_dim))
            .transpose(1, 2)
            for name in ("q", "k", "v")
        )
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask, is_causal=is_causal)
        y: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return y if self.batch_first else y.transpose(0, 1)
