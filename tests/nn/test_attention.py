"""Multi-head attention against its formula."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def by_hand(layer, q, k, v, hidden=None):
    """The formula in NumPy, for inputs (N, L, E): the output, and the weights of each head."""
    e, heads = layer.embed_dim, layer.num_heads
    w, b = layer.in_proj_weight.array, layer.in_proj_bias.array

    def split(x, i):
        y = x @ w[i * e : (i + 1) * e].T + b[i * e : (i + 1) * e]
        return y.reshape(*y.shape[:2], heads, e // heads).transpose(0, 2, 1, 3)

    q, k, v = split(q, 0), split(k, 1), split(v, 2)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(e // heads)
    if hidden is not None:
        scores = np.where(hidden, -np.inf, scores)
    weights = np.exp(scores)
    weights /= weights.sum(-1, keepdims=True)
    y = (weights @ v).transpose(0, 2, 1, 3).reshape(len(q), -1, e)
    return y @ layer.out_proj.weight.array.T + layer.out_proj.bias.array, weights


@pytest.fixture
def layer(rng):
    made = nn.MultiheadAttention(8, 2, batch_first=True).double()
    for parameter in made.parameters():
        parameter.array[...] = rng.standard_normal(parameter.shape) * 0.4
    return made


@pytest.fixture
def qkv(rng):
    return [rng.standard_normal((3, length, 8)) for length in (4, 5, 5)]


def tensors(arrays):
    return [mg.tensor(a) for a in arrays]


def test_keys_are_pytorchs():
    layer = nn.MultiheadAttention(8, 2)
    assert list(layer.state_dict()) == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
    assert not layer.in_proj_bias.array.any()
    assert not layer.out_proj.bias.array.any()
    assert list(nn.MultiheadAttention(8, 2, bias=False).state_dict()) == ["in_proj_weight", "out_proj.weight"]


def test_output_and_weights(layer, qkv):
    y, weights = layer(*tensors(qkv))
    expected, each = by_hand(layer, *qkv)
    np.testing.assert_allclose(y.array, expected, rtol=1e-10)
    np.testing.assert_allclose(weights.array, each.mean(1), rtol=1e-10)
    _, per_head = layer(*tensors(qkv), average_attn_weights=False)
    np.testing.assert_allclose(per_head.array, each, rtol=1e-10)


def test_without_weights_the_output_is_the_same(layer, qkv):
    y, weights = layer(*tensors(qkv), need_weights=False)
    assert weights is None
    np.testing.assert_allclose(y.array, by_hand(layer, *qkv)[0], rtol=1e-10)


def test_other_layouts(layer, qkv):
    expected, each = by_hand(layer, *qkv)
    layer.batch_first = False
    y, weights = layer(*(x.transpose(0, 1) for x in tensors(qkv)))
    np.testing.assert_allclose(y.array, expected.swapaxes(0, 1), rtol=1e-10)
    np.testing.assert_allclose(weights.array, each.mean(1), rtol=1e-10)
    y, weights = layer(*(mg.tensor(x[1]) for x in qkv))
    np.testing.assert_allclose(y.array, expected[1], rtol=1e-10)
    np.testing.assert_allclose(weights.array, each[1].mean(0), rtol=1e-10)


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_hide_keys(layer, qkv, rng, need_weights):
    places = np.triu(np.ones((4, 5), bool), 2)
    padding = np.zeros((3, 5), bool)
    padding[1, 1] = True
    y, _ = layer(
        *tensors(qkv),
        attn_mask=mg.tensor(places),
        key_padding_mask=mg.tensor(padding),
        need_weights=need_weights,
    )
    expected, _ = by_hand(layer, *qkv, hidden=places | padding[:, None, None, :])
    np.testing.assert_allclose(y.array, expected, rtol=1e-10)
    per_head = np.broadcast_to(np.where(places, -np.inf, 0.0), (6, 4, 5))
    y, _ = layer(*tensors(qkv), attn_mask=mg.tensor(per_head), need_weights=need_weights)
    np.testing.assert_allclose(y.array, by_hand(layer, *qkv, hidden=places)[0], rtol=1e-10)


def test_gradients_reach_every_parameter(layer, qkv):
    y, _ = layer(*tensors(qkv))
    (y * y).sum().backward()
    assert all(np.abs(p.grad.array).max() > 0 for p in layer.parameters())


def test_what_is_not_allowed():
    with pytest.raises(ValueError, match="must be divisible by num_heads=3"):
        nn.MultiheadAttention(8, 3)
    x = mg.ones(1, 2, 8)
    with pytest.raises(RuntimeError, match="needs attn_mask= too"):
        nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x, is_causal=True)
