"""einops knows minigrad's tensors, and the gradient goes through."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

einops = pytest.importorskip("einops")


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((2, 4, 6, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: einops.rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=3),
        lambda x: einops.reduce(x, "b h w c -> b c", "mean"),
        lambda x: einops.reduce(x, "b (h k) w c -> b h c", "max", k=2),
        lambda x: einops.reduce(x, "b h w c -> b w", "prod"),
        lambda x: einops.repeat(x, "b h w c -> b h (w k) c r", k=2, r=3),
        lambda x: einops.einsum(x, x, "b h w c, b h v c -> b w v"),
        lambda x: einops.rearrange([x, x], "n b h w c -> (n b) h w c"),
        lambda x: einops.pack([x, x], "b * w c")[0],
    ],
)
def test_functions(function, images):
    x = mg.tensor(images, requires_grad=True)
    y = function(x)
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.numpy(force=True), function(images), rtol=1e-12)
    y.sum().backward()
    assert x.grad.shape == x.shape


def test_gradients(images):
    x = mg.tensor(images[:1], requires_grad=True)
    assert mg.gradcheck(lambda x: einops.rearrange(x, "b (h p) w c -> b h (p w c)", p=2).square(), x)
    assert mg.gradcheck(lambda x: einops.reduce(x, "b (h k) w c -> b h c", "max", k=2), x)


def test_layers(images):
    from einops.layers.minigrad import Rearrange, Reduce

    net = nn.Sequential(
        Rearrange("b (h p) (w q) c -> b (h w) (p q c)", p=2, q=2), nn.Linear(12, 5), Reduce("b n c -> b c", "mean")
    )
    y = net(mg.tensor(images).float())
    assert y.shape == (2, 5)
    y.sum().backward()
    assert net[1].weight.grad is not None
    assert list(net.state_dict()) == ["1.weight", "1.bias"]
    assert "Rearrange('b (h p) (w q) c -> b (h w) (p q c)', p=2, q=2)" in repr(net)
