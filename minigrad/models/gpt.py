"""GPT: a decoder-only Transformer (Radford et al., 2019) whose residual stream can be seen.

A position's value goes from the embedding to the last norm on one long skip, the *residual stream*. Each layer reads
it twice, in attention and in a small net, and adds what it found. Every such place is a `Fork` and a `ResidualAdd`, so
trace, ledger and path lengths show the stream and its branches under their names: ``blocks.3.attention``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import skip
from minigrad.arguments import choice, integer, number, tensor, truths, wrong_kind
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.activation import GELU
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.dropout import Dropout
from minigrad.nn.embedding import Embedding
from minigrad.nn.linear import Identity, Linear
from minigrad.nn.module import Module
from minigrad.nn.norm import LayerNorm
from minigrad.ops.join import cat
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.tensor import Tensor, from_array

#: Keys and values of one layer, each (batch, heads, places, head_dim).
KeysValues = tuple[Tensor, Tensor]


class Cache:
    """The keys and values of the places seen so far, a pair a layer, so that a new place costs one step.

    Attributes
    ----------
    layers
        For each layer its keys and values; empty before the first call.
    """

    def __init__(self) -> None:
        self.layers: list[KeysValues] = []

    @property
    def length(self) -> int:
        """How many places are there."""
        return self.layers[0][0].shape[2] if self.layers else 0

    def extended(self, layer: int, keys: Tensor, values: Tensor) -> KeysValues:
        """Append a layer's new keys and values; give all of them."""
        if layer < len(self.layers):
            old_keys, old_values = self.layers[layer]
            keys, values = cat([old_keys, keys], 2), cat([old_values, values], 2)
            self.layers[layer] = keys, values
        else:
            self.layers.append((keys, values))
        return keys, values


class Attention(Module):
    """Causal attention of several heads; before its own keys it may see those of a cache and of a prefix."""

    def __init__(self, width: int, heads: int, dropout: float, rotary: bool) -> None:
        super().__init__()
        self.heads, self.rotary, self.dropout = heads, rotary, dropout
        self.qkv = Linear(width, 3 * width)
        self.out = Linear(width, width)

    def forward(self, x: Tensor, start: int, layer: int, cache: Cache | None, prefix: KeysValues | None) -> Tensor:
        """Mix (batch, length, width), whose first place is number ``start``."""
        batch, length, width = x.shape
        # One product gives queries, keys and values of all heads: (3, batch, heads, length, head_dim).
        parts = self.qkv(x).reshape(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        if self.rotary:  # queries and keys are turned by their place: their product knows only the distance
            q, k = rotated(q, start), rotated(k, start)
        if cache is not None:
            k, v = cache.extended(layer, k, v)
        if prefix is not None:  # a prefix has no place: everyone sees it, and nothing is turned
            k, v = cat([prefix[0], k], 2), cat([prefix[1], v], 2)
        before = k.shape[2] - length
        seen = from_array(np.tri(length, k.shape[2], before, dtype=bool)) if before else None
        drop = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, seen, drop, is_causal=seen is None)
        mixed: Tensor = self.out(y.transpose(1, 2).reshape(batch, length, width))
        return mixed


class Block(Module):
    """Attention, then a net of two layers; with skips each adds to the stream, without each replaces it."""

    def __init__(self, width: int, heads: int, dropout: float, norm: str, rotary: bool, skips: bool) -> None:
        super().__init__()
        self.norm, self.skips = norm, skips
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)
        self.attention = Attention(width, heads, dropout, rotary)
        self.mlp = Sequential(Linear(width, 4 * width), GELU(), Linear(4 * width, width))
        self.drop = Dropout(dropout) if dropout else Identity()

    def forward(self, x: Tensor, *how: Any) -> Tensor:
        """Go through both; ``how`` is for the attention."""
        x = self._sublayer(x, self.norm1, self.attention, *how)
        return self._sublayer(x, self.norm2, self.mlp)

    def _sublayer(self, x: Tensor, norm: Module, branch: Module, *how: Any) -> Tensor:
        if not self.skips:
            y: Tensor = self.drop(branch(norm(x) if self.norm == "pre" else x, *how))
            return y if self.norm == "pre" else norm(y)
        s, b = skip.fork(x)
        if self.norm == "pre":  # the stream stays clear: its gradient is copied past every layer
            y = skip.residual_add(s, self.drop(branch(norm(b), *how)))
        else:  # each norm stands on the stream
            y = norm(skip.residual_add(s, self.drop(branch(b, *how))))
        return y


class GPT(Module):
    """A language model of ``layers`` blocks.

    Parameters
    ----------
    vocab_size
        How many tokens there are.
    block_size
        The longest sequence.
    layers, heads, width
        The blocks, the heads of each, and the features of a position.
    dropout
        The probability in attention, after each branch and after the embedding.
    norm
        ``"pre"``: ``x + f(norm(x))`` and a norm at the end; ``"post"``: ``norm(x + f(x))`` (Xiong et al., 2020).
    positions
        ``"learned"``, ``"sinusoidal"`` (Vaswani et al., 2017), ``"rotary"`` (Su et al., 2021) or None.
    tie
        Whether the head's weights are those of the embedding.
    skips
        With False every skip is cut, for comparison: a net that hardly learns.

    Raises
    ------
    ValueError
        For a norm or positions of another name, or a width that the heads don't divide.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.models.GPT(vocab_size=11, block_size=8, layers=2, heads=2, width=16)
    >>> model(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 11)
    >>> model.generate(mg.tensor([[1, 2, 3]]), 4, seed=0).shape
    (1, 7)
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        layers: int = 4,
        heads: int = 4,
        width: int = 64,
        dropout: float = 0.0,
        norm: str = "pre",
        positions: str | None = "learned",
        tie: bool = True,
        skips: bool = True,
    ) -> None:
        super().__init__()
        choice("GPT", "norm", norm, ("pre", "post"))
        choice("GPT", "positions", positions, ("learned", "sinusoidal", "rotary", None))
        truths("GPT", tie=tie, skips=skips)
        for name, size in (("vocab_size", vocab_size), ("block_size", block_size), ("width", width), ("heads", heads)):
            integer("GPT", name, size, least=1)
        layers = integer("GPT", "layers", layers, least=1, most=10_000)
        dropout = number("GPT", "dropout", dropout, least=0, most=1)
        if width % heads or (positions == "rotary" and width // heads % 2):
            raise OperationError(
                f"GPT: width={width} must be divisible by heads={heads}, and for rotary positions by twice that"
            )
        self.vocab_size, self.block_size, self.positions = vocab_size, block_size, positions
        self.embedding = Embedding(vocab_size, width)
        self.place = Embedding(block_size, width) if positions == "learned" else None
        self.drop = Dropout(dropout) if dropout else Identity()
        rotary = positions == "rotary"
        self.blocks = ModuleList([Block(width, heads, dropout, norm, rotary, skips) for _ in range(layers)])
        self.norm = LayerNorm(width) if norm == "pre" else Identity()
        self.head = Linear(width, vocab_size, bias=False)
        if tie:
            self.head.weight = self.embedding.weight
        self._initialise(layers)

    def _initialise(self, layers: int) -> None:
        """GPT-2's: normal, 0.02; what adds to the stream smaller by the root of 2 * layers, the number of additions."""
        for name, p in self.named_parameters():
            if p.ndim > 1:
                last = name.endswith(("attention.out.weight", "mlp.2.weight"))
                init.normal_(p, std=0.02 / math.sqrt(2 * layers) if last else 0.02)
            elif name.endswith("bias"):
                init.zeros_(p)

    def forward(self, tokens: Tensor, cache: Cache | None = None, prefix: list[KeysValues] | None = None) -> Tensor:
        """The scores of the next token at every place.

        Parameters
        ----------
        tokens
            Integers, (batch, length); with a cache those that follow what it holds.
        cache
            A `Cache`, which is extended.
        prefix
            Keys and values that every place sees, a pair a layer; see ``models/prefix.py``.

        Returns
        -------
        Tensor
            (batch, length, vocab_size): logits.

        Raises
        ------
        OperationError
            If the sequence is longer than ``block_size``, or empty, or the cache is of another batch.
        """
        start = self._check(tokens, cache)
        pairs = prefix is None or (isinstance(prefix, (tuple, list)) and len(prefix) == len(self.blocks))
        if prefix is not None and not (pairs and all(isinstance(pair, tuple) and len(pair) == 2 for pair in prefix)):
            raise wrong_kind("GPT", "prefix", f"a list of {len(self.blocks)} pairs of keys and values", prefix)
        x = self.embedding(tokens)
        length = tokens.shape[1]
        if self.place is not None:
            x = x + self.place(from_array(np.arange(start, start + length)))
        elif self.positions == "sinusoidal":
            x = x + from_array(sinusoids(start, length, x.shape[-1]).astype(x.dtype))
        x = self.drop(x)
        for i, block in enumerate(self.blocks):
            x = block(x, start, i, cache, None if prefix is None else prefix[i])
        logits: Tensor = self.head(self.norm(x))
        return logits

    def _check(self, tokens: Tensor, cache: Cache | None) -> int:
        """Where the tokens begin."""
        if cache is not None and not isinstance(cache, Cache):
            raise wrong_kind("GPT", "cache", "a Cache or None", cache)
        if (
            tensor("GPT", "tokens", tokens, arrays=False).ndim != 2
            or tokens.dtype.kind not in "iu"
            or not tokens.shape[1]
        ):
            raise OperationError(f"GPT: tokens must be integers (batch, length), not {tokens.dtype} {tokens.shape}")
        start = 0 if cache is None else cache.length
        if cache is not None and start and cache.layers[0][0].shape[0] != tokens.shape[0]:
            there = cache.layers[0][0].shape[0]
            raise OperationError(
                f"GPT: the cache holds {there} sequences, the tokens are {tokens.shape[0]}: begin a new Cache()"
            )
        if start + tokens.shape[1] > self.block_size:
            raise OperationError(
                f"GPT: a sequence of {start + tokens.shape[1]} is longer than block_size={self.block_size}: "
                "cut it to its last tokens"
            )
        return start

    def generate(
        self,
        tokens: Tensor,
        count: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: Generator | None = None,
        seed: int | None = None,
        prefix: list[KeysValues] | None = None,
    ) -> Tensor:
        """Go on writing: ``count`` tokens more, each drawn by the probabilities after all before.

        Parameters
        ----------
        tokens
            What is there already, (batch, length), at least one.
        temperature
            The logits are divided by it; 0 takes the likeliest token.
        top_k
            Draw from the so many likeliest only.
        generator, seed
            What random numbers come from; by default the generator that ``manual_seed`` sets.

        Returns
        -------
        Tensor
            (batch, length + count).
        """
        number("generate", "temperature", temperature, least=0)
        if top_k is not None:
            integer("generate", "top_k", top_k, least=1)
        count = integer("generate", "count", count, least=0)
        if tensor("generate", "tokens", tokens).ndim != 2:
            raise OperationError(f"generate: tokens must be (batch, length), not {tokens.shape}")
        rng = numpy_generator(Generator().manual_seed(seed) if seed is not None else generator)
        found, was_training = array_of(tokens), self.training
        self.eval()
        try:
            with no_grad():
                cache, new = Cache(), found[:, -self.block_size :]
                for _ in range(count):
                    if cache.length + new.shape[1] > self.block_size:  # full: the window moves on, places change
                        cache, new = Cache(), found[:, -self.block_size :]
                    logits = self(from_array(new), cache, prefix).array[:, -1].astype(np.float64)
                    new = _drawn(logits, temperature, top_k, rng)
                    found = np.concatenate([found, new], axis=1)
        finally:
            self.train(was_training)
        return from_array(found)


def _drawn(logits: Any, temperature: float, top_k: int | None, rng: np.random.Generator) -> Any:
    """One token a row, (batch, 1)."""
    if temperature == 0:
        return logits.argmax(axis=1)[:, None]
    if top_k is not None and top_k < logits.shape[1]:
        least = np.sort(logits, axis=1)[:, -top_k, None]
        logits = np.where(logits < least, -np.inf, logits)
    # The largest of logits with Gumbel noise is a draw from their softmax.
    return (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)[:, None]


def sinusoids(start: int, length: int, width: int) -> Any:
    """Vaswani et al.'s positions, (length, width): sines and cosines, in turn, of ``place / 10000^(i / width)``."""
    angles = _angles(start, length, width + width % 2)
    both = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return both.reshape(length, -1)[:, :width]


def _angles(start: int, length: int, width: int) -> Any:
    return np.arange(start, start + length)[:, None] * 10000.0 ** (-np.arange(0, width, 2) / width)


def rotated(x: Tensor, start: int = 0) -> Tensor:
    """Turn pairs of features by an angle that grows with the place (Su et al., 2021).

    Feature i pairs with feature i + d/2. ``rotated(q)_m . rotated(k)_n`` depends on m and n by m - n only.

    Parameters
    ----------
    x
        (..., length, d), d even.
    start
        The first place.
    """
    angles = _angles(start, x.shape[-2], x.shape[-1])
    cos, sin = (from_array(np.tile(f(angles), 2).astype(x.dtype)) for f in (np.cos, np.sin))
    first, second = x.chunk(2, -1)
    return x * cos + cat([-second, first], -1) * sin
