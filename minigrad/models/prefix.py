"""Prefix tuning (Li and Liang, 2021; P-tuning v2: Liu et al., 2022): learnt keys and values beside a frozen GPT.

In every layer, each head sees ``length`` learnt keys and values before its own. With m the part of the attention that
the prefix draws, a head gives ``(1 - m) * attention(content) + m * attention(prefix)``. So a prefix adds to what a head
finds, and never changes how its attention over the content is *divided* (Petrov et al., 2024).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import integer, room, tensor, wrong_kind
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
from minigrad.models.gpt import GPT, Attention, Cache, KeysValues
from minigrad.nn.activation import Tanh
from minigrad.nn.container import Sequential
from minigrad.nn.embedding import Embedding
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.random import numpy_generator
from minigrad.tensors.creation import arange
from minigrad.tensors.tensor import Tensor, from_array


class PrefixGPT(Module):
    """A `GPT` whose weights are frozen, and a prefix that is learnt.

    Parameters
    ----------
    base
        The model; its parameters get ``requires_grad=False``.
    length
        How many keys and values there are in each layer; with 0 it is the base model.
    hidden
        With a number, keys and values come from an embedding and a net of two layers, with so many features between
        (Li and Liang's reparametrisation, which trains more steadily): `merge` drops it afterwards. None learns them
        directly.

    Attributes
    ----------
    prefix
        (layers, 2, heads, length, head_dim); None while there is a net instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.models.PrefixGPT(mg.models.GPT(11, 8, layers=2, heads=2, width=16), length=3)
    >>> model(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 11)
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['prefix']
    """

    prefix: Parameter | None

    def __init__(self, base: GPT, length: int, hidden: int | None = None) -> None:
        super().__init__()
        if not isinstance(base, GPT):
            raise wrong_kind("PrefixGPT", "base", "a GPT", base)
        length = integer("PrefixGPT", "length", length, least=0)
        hidden = None if hidden is None else integer("PrefixGPT", "hidden", hidden, least=1)
        self.base = base.requires_grad_(False)
        attention: Any = base.blocks[0].attention
        assert isinstance(attention, Attention)
        width = attention.out.in_features
        self.shape = (len(base.blocks), 2, attention.heads, length, width // attention.heads)
        self.embedding: Module | None = None
        self.net: Module | None = None
        dtype = base.embedding.weight.dtype
        if hidden is None or length == 0:
            room("PrefixGPT", self.shape, np.float64)
            start = numpy_generator(None).standard_normal(self.shape) * 0.02
            self.prefix = Parameter(start.astype(dtype))
        else:
            self.register_parameter("prefix", None)
            self.embedding = Embedding(length, width)
            self.net = Sequential(Linear(width, hidden), Tanh(), Linear(hidden, 2 * len(base.blocks) * width))
            self.to(dtype)

    def keys_values(self, batch: int) -> list[KeysValues] | None:
        """The prefix, a pair (batch, heads, length, head_dim) a layer; None if it is empty."""
        layers, _, heads, length, head_dim = self.shape
        if length == 0:
            return None
        whole = self.prefix if self.prefix is not None else self._from_net()
        wide = whole.unsqueeze(2).expand(layers, 2, batch, heads, length, head_dim)
        return [tuple(layer.unbind(0)) for layer in wide.unbind(0)]  # type: ignore[misc]  # two: keys and values

    def _from_net(self) -> Tensor:
        layers, _, heads, length, head_dim = self.shape
        assert self.net is not None
        assert self.embedding is not None
        rows = self.net(self.embedding(arange(length)))
        made: Tensor = rows.reshape(length, layers, 2, heads, head_dim).permute(1, 2, 3, 0, 4)
        return made

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """The scores of the next token at every place; as `GPT`'s."""
        tensor("PrefixGPT", "tokens", tokens, arrays=False)
        if not tokens.ndim:
            raise OperationError("PrefixGPT: tokens must be (batch, length), and have no dimensions")
        logits: Tensor = self.base(tokens, cache, self.keys_values(tokens.shape[0]))
        return logits

    def generate(self, tokens: Tensor, count: int, **settings: Any) -> Tensor:
        """Go on writing; as `GPT.generate`."""
        with no_grad():
            prefix = self.keys_values(tokens.shape[0])
        return self.base.generate(tokens, count, prefix=prefix, **settings)

    def merge(self) -> PrefixGPT:
        """Keep what the net gives as the prefix, and drop the net: outputs stay the same, to the bit."""
        if self.net is not None:
            with no_grad():
                made = self._from_net()
            self.embedding = self.net = None
            self.prefix = Parameter(from_array(made.array.copy()))
        return self
