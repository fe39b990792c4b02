"""Normalisation layers, and the running statistics of batch normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def t64(array):
    return mg.tensor(np.asarray(array, np.float64))


def test_batch_norm_in_training(rng):
    x = rng.standard_normal((8, 3, 4, 5)) * 3 + 2
    norm = nn.BatchNorm2d(3, eps=1e-3).double()
    norm.weight.array[...] = [1, 2, 3]
    norm.bias.array[...] = [4, 5, 6]
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    scale, shift = np.array([1, 2, 3]).reshape(1, 3, 1, 1), np.array([4, 5, 6]).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(norm(t64(x)).array, (x - mean) / np.sqrt(var + 1e-3) * scale + shift, rtol=1e-10)


def test_running_statistics_are_pytorchs(rng):
    """mean <- 0.9 mean + 0.1 batch mean, and the same for the *unbiased* variance."""
    x = rng.standard_normal((6, 2)) * 3 + 2
    norm = nn.BatchNorm1d(2).double()
    norm(t64(x))
    np.testing.assert_allclose(norm.running_mean.array, 0.1 * x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.array, 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-12)
    assert norm.num_batches_tracked.item() == 1


def test_evaluation_uses_the_running_statistics(rng):
    x = rng.standard_normal((6, 2, 3))
    norm = nn.BatchNorm1d(2).double()
    norm.running_mean.array[...] = [1, 2]
    norm.running_var.array[...] = [4, 9]
    before = {k: v.array.copy() for k, v in norm.state_dict().items()}
    y = norm.eval()(t64(x)).array
    np.testing.assert_allclose(y[:, 1], (x[:, 1] - 2) / np.sqrt(9 + 1e-5), rtol=1e-12)
    for key, value in norm.state_dict().items():
        np.testing.assert_array_equal(value.array, before[key])


def test_momentum_none_is_the_mean_over_all_batches(rng):
    batches = rng.standard_normal((3, 6, 2))
    norm = nn.BatchNorm1d(2, momentum=None).double()
    for x in batches:
        norm(t64(x))
    np.testing.assert_allclose(norm.running_mean.array, batches.mean((0, 1)), rtol=1e-10)
    np.testing.assert_allclose(norm.running_var.array, batches.var(1, ddof=1).mean(0), rtol=1e-10)
    norm.reset_running_stats()
    assert (norm.running_mean.array == 0).all()
    assert (norm.running_var.array == 1).all()
    assert norm.num_batches_tracked.item() == 0


def test_without_running_statistics_the_batch_decides(rng):
    x = rng.standard_normal((6, 2))
    norm = nn.BatchNorm1d(2, track_running_stats=False).double()
    assert list(norm.state_dict()) == ["weight", "bias"]
    np.testing.assert_array_equal(norm(t64(x)).array, norm.eval()(t64(x)).array)


def test_batch_norm_without_affine():
    norm = nn.BatchNorm2d(2, affine=False)
    assert norm.weight is None
    assert list(norm.state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]
    assert not norm(mg.randn(2, 2, 3, 3)).requires_grad
    for layer in (nn.BatchNorm2d(2, bias=False), nn.GroupNorm(1, 2, bias=False)):
        assert layer.bias is None
        assert (layer.weight.array == 1).all()


@pytest.mark.parametrize(("norm", "shape"), [(nn.BatchNorm2d(3), (2, 3)), (nn.BatchNorm1d(3), (2, 3, 4, 5))])
def test_batch_norm_checks_the_dimensions(norm, shape):
    with pytest.raises(RuntimeError, match=r"dimensional inputs, not one of shape \(2, 3"):
        norm(mg.ones(*shape))
    assert norm.num_batches_tracked.item() == 0


def test_layer_norm(rng):
    x = rng.standard_normal((4, 3, 5)) * 2 + 1
    norm = nn.LayerNorm((3, 5)).double()
    mean, var = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    np.testing.assert_allclose(norm(t64(x)).array, (x - mean) / np.sqrt(var + 1e-5), rtol=1e-10)
    assert norm.weight.shape == (3, 5)
    assert list(nn.LayerNorm(5, bias=False).state_dict()) == ["weight"]
    assert not nn.LayerNorm(5, elementwise_affine=False).state_dict()


def test_group_norm(rng):
    x = rng.standard_normal((2, 6, 4)) * 2 + 1
    groups = x.reshape(2, 3, 8)
    normed = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)
    norm = nn.GroupNorm(3, 6).double()
    np.testing.assert_allclose(norm(t64(x)).array, normed.reshape(x.shape), rtol=1e-10)
    assert not nn.GroupNorm(3, 6, affine=False).state_dict()
    with pytest.raises(ValueError, match="num_channels=6 must be divisible by num_groups=4"):
        nn.GroupNorm(4, 6)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            nn.BatchNorm2d(3),
            "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        ),
        (nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"),
        (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
    ],
)
def test_reprs_are_pytorchs(layer, text):
    assert repr(layer) == text
