"""The Transformer's layers (Vaswani et al., 2017), with PyTorch's parameters; every residual is a fork and a join.

``norm_first=False`` is post-norm, as published: ``norm(x + f(x))``. With ``norm_first=True``, pre-norm, the skip goes
from the first layer to the last with nothing on it: ``x + f(norm(x))`` (Xiong et al., 2020).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import skip
from minigrad.arguments import choice, function, integer, room, tensor, truths, wrong_kind
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.container import ModuleList
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.norm import LayerNorm
from minigrad.ops.common import get_default_dtype
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import Tensor, from_array

Activation = str | Callable[[Tensor], Tensor]


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if isinstance(given, str):
        named: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
        return named[choice("Transformer", "activation", given, tuple(named))]
    return function("Transformer", "activation", given)


def _copies(operation: str, layer: Any, count: Any) -> ModuleList:
    """So many copies of a layer."""
    if not isinstance(layer, Module):
        raise wrong_kind(operation, "the layer", "a Module", layer)
    count = integer(operation, "num_layers", count, least=0)
    room(operation, (count, sum(p.array.size for p in layer.parameters())), get_default_dtype())
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class _Layer(Module):
    """What encoder and decoder layers share: attention to oneself, and the two linear layers."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        made = {"bias": bias, "device": device, "dtype": dtype}
        truths(type(self).__name__, norm_first=norm_first)
        attention = {"dropout": dropout, "batch_first": batch_first, **made}
        self.self_attn = MultiheadAttention(d_model, nhead, **attention)
        if self._attentions == 2:
            self.multihead_attn = MultiheadAttention(d_model, nhead, **attention)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        for i in range(1, self._attentions + 2):
            setattr(self, f"norm{i}", LayerNorm(d_model, eps=layer_norm_eps, **made))
        for i in range(1, self._attentions + 2):
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(activation)

    #: To oneself, and in a decoder to the encoder's memory.
    _attentions = 1

    def _residual(self, x: Tensor, norm: Module, branch: Callable[[Tensor], Tensor]) -> Tensor:
        """``x + branch(norm(x))``, or post-norm ``norm(x + branch(x))``."""
        s, b = skip.fork(tensor(type(self).__name__, "the input", x, arrays=False))
        if self.norm_first:
            return skip.residual_add(s, branch(norm(b)))
        normed: Tensor = norm(skip.residual_add(s, branch(b)))
        return normed

    def _feed_forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return y


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two linear layers; each with a skip and a norm.

    Parameters
    ----------
    d_model, nhead
        The features of a place, and the heads they are divided among.
    dim_feedforward
        The features between the two linear layers.
    dropout
        The probability with which attention weights, hidden features and branches' outputs are dropped.
    activation
        ``"relu"``, ``"gelu"`` or a function of a tensor.
    layer_norm_eps
        The norms' ``eps``.
    batch_first
        Whether inputs are (N, L, E) and not (L, N, E).
    norm_first
        Normalise each branch's input, and not the sum.
    bias
        Whether linear layers and norms have biases.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> layer(mg.randn(3, 5, 8)).shape
    (3, 5, 8)
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Encode (L, N, E), with ``batch_first`` (N, L, E), or (L, E).

        Parameters
        ----------
        src_mask
            (L, L) or (N * nhead, L, L): True, or minus infinity, where a place isn't to be seen.
        src_key_padding_mask
            (N, L): True where there is only padding.
        is_causal
            Says that ``src_mask`` is the causal one.

        Raises
        ------
        OperationError
            If a mask's shape doesn't fit.
        """

        def attend(x: Tensor) -> Tensor:
            y = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]
            return self.dropout1(y)

        x = self._residual(src, self.norm1, attend)
        return self._residual(x, self.norm2, lambda x: self.dropout2(self._feed_forward(x)))


class TransformerDecoderLayer(_Layer):
    """Attention to oneself, attention to the encoder's memory, then two linear layers; each with a skip and a norm.

    Parameters are those of `TransformerEncoderLayer`.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> layer(mg.randn(3, 5, 8), mg.randn(3, 7, 8)).shape
    (3, 5, 8)
    """

    _attentions = 2

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode ``tgt`` with ``memory``, the encoder's output; masks as in `TransformerEncoderLayer`."""

        def attend(x: Tensor) -> Tensor:
            y = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]
            return self.dropout1(y)

        def look_up(x: Tensor) -> Tensor:
            y = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]
            return self.dropout2(y)

        x = self._residual(tgt, self.norm1, attend)
        x = self._residual(x, self.norm2, look_up)
        return self._residual(x, self.norm3, lambda x: self.dropout3(self._feed_forward(x)))


class TransformerEncoder(Module):
    """Several encoder layers, copies of one: they begin with the same weights.

    Parameters
    ----------
    encoder_layer, num_layers
        The layer, and how many.
    norm
        Applied at the end, or None; pre-norm layers need one.
    enable_nested_tensor, mask_check
        Accepted for PyTorch's sake.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> mg.nn.TransformerEncoder(layer, 2)(mg.randn(3, 5, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        if norm is not None and not isinstance(norm, Module):
            raise wrong_kind("TransformerEncoder", "norm", "a Module or None", norm)
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Encode; masks as in `TransformerEncoderLayer`."""
        truths("TransformerEncoder", is_causal=is_causal)
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Several decoder layers, copies of one.

    Parameters
    ----------
    decoder_layer, num_layers, norm
        As in `TransformerEncoder`.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        if norm is not None and not isinstance(norm, Module):
            raise wrong_kind("TransformerDecoder", "norm", "a Module or None", norm)
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode; the arguments are those of `TransformerDecoderLayer`."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        truths("TransformerDecoder", tgt_is_causal=tgt_is_causal)
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """The encoder and the decoder of Vaswani et al. (2017), between embeddings that aren't part of it.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
        As in `TransformerEncoderLayer`.
    num_encoder_layers, num_decoder_layers
        How many layers.
    custom_encoder, custom_decoder
        Modules to use in their place.

    Examples
    --------
    >>> import minigrad as mg
    >>> net = mg.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> net(mg.randn(3, 7, 8), mg.randn(3, 5, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        made = {"device": device, "dtype": dtype}

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)

        for name, part in (("custom_encoder", custom_encoder), ("custom_decoder", custom_decoder)):
            if part is not None and not isinstance(part, Module):
                raise wrong_kind("Transformer", name, "a Module or None", part)
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*layer, **made), num_encoder_layers, norm())
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*layer, **made), num_decoder_layers, norm())
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode ``src``, and decode ``tgt`` with it.

        Raises
        ------
        OperationError
            If the features or the batches don't fit.
        """
        for name, x in (("src", src), ("tgt", tgt)):
            tensor("Transformer", name, x, arrays=False)
        if not 2 <= src.ndim == tgt.ndim <= 3:
            raise OperationError(
                f"Transformer: src and tgt have 3 dimensions, or 2; they are {src.shape} and {tgt.shape}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise OperationError(f"Transformer: d_model={self.d_model}; src is {src.shape} and tgt {tgt.shape}")
        at = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[at] != tgt.shape[at]:
            raise OperationError(f"Transformer: src and tgt hold {src.shape[at]} and {tgt.shape[at]} sequences")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        decoded: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )
        return decoded

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask, (sz, sz): minus infinity above the diagonal, 0 elsewhere."""
        check_device(device)
        return from_array(np.triu(np.full((sz, sz), -np.inf, dtype or get_default_dtype()), 1))
