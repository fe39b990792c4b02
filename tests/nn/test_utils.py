"""Clipping, and all parameters as one vector."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def with_gradients(*gradients):
    made = []
    for gradient in gradients:
        p = nn.Parameter(mg.zeros(*np.shape(gradient), dtype=mg.float64))
        p.grad = mg.tensor(np.array(gradient, np.float64))
        made.append(p)
    return made


def test_clipping_scales_all_by_one_factor():
    a, b = with_gradients([3.0, 0.0], [[4.0]])
    total = clip_grad_norm_([a, b, nn.Parameter(mg.zeros(1))], 2.5)
    assert total.item() == 5
    np.testing.assert_allclose(a.grad.array, [1.5, 0], rtol=1e-6)
    np.testing.assert_allclose(b.grad.array, [[2]], rtol=1e-6)


def test_small_gradients_stay_to_the_bit():
    (a,) = with_gradients([0.3, 0.4])
    clip_grad_norm_(a, 1.0)
    assert a.grad.tolist() == [0.3, 0.4]


@pytest.mark.parametrize(("order", "expected"), [(1, 7), (2, 5), (float("inf"), 4), (3, 91 ** (1 / 3))])
def test_norms(order, expected):
    parameters = with_gradients([3.0], [-4.0])
    assert clip_grad_norm_(parameters, 100.0, norm_type=order).item() == pytest.approx(expected)
    assert get_total_norm([p.grad for p in parameters], order).item() == pytest.approx(expected)


def test_a_shared_parameter_is_clipped_once():
    (a,) = with_gradients([3.0, 4.0])
    assert clip_grad_norm_([a, a], 2.5).item() == 5
    np.testing.assert_allclose(a.grad.array, [1.5, 2.0], rtol=1e-6)


def test_a_norm_that_is_not_finite():
    (a,) = with_gradients([np.nan, 1.0])
    with pytest.raises(RuntimeError, match="detect_anomaly"):
        clip_grad_norm_([a], 1.0, error_if_nonfinite=True)
    assert a.grad.array[1] == 1
    assert np.isnan(clip_grad_norm_([a], 1.0).item())
    assert np.isnan(a.grad.array).all()


def test_without_gradients_the_norm_is_zero():
    assert clip_grad_norm_([nn.Parameter(mg.zeros(1))], 1.0).item() == 0


def test_values_are_limited():
    (a,) = with_gradients([-3.0, 0.2, 5.0])
    clip_grad_value_([a], 0.5)
    assert a.grad.tolist() == [-0.5, 0.2, 0.5]


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_a_graph_that_reads_a_gradient_notices_clipping(clip):
    x = mg.tensor([3.0, 5.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    penalty = (x.grad**2).sum()
    clip([x], 0.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        penalty.backward()


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_clipping_between_two_passes_through_one_graph_is_no_false_alarm(clip):
    net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), mg.rand(5, 3)
    loss = (net(x) ** 2).sum()
    loss.backward(retain_graph=True)
    first = [p.grad.clone() for p in net.parameters()]
    clip(net.parameters(), 1e-3)
    net.zero_grad()
    loss.backward()
    for p, gradient in zip(net.parameters(), first, strict=True):
        np.testing.assert_array_equal(p.grad.array, gradient.array)


def test_backward_notices_weights_that_a_vector_overwrote():
    w, x = nn.Parameter(mg.rand(2, 2)), mg.rand(3, 2, requires_grad=True)
    y = x @ w
    vector_to_parameters(mg.zeros(4), [w])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_vector_and_back():
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = parameters_to_vector(net.parameters())
    assert vector.shape == (8,)
    vector_to_parameters(vector, other.parameters())
    np.testing.assert_array_equal(other.weight.array, net.weight.array)
    np.testing.assert_array_equal(other.bias.array, net.bias.array)
    vector.sum().backward()
    assert (net.bias.grad.array == 1).all()
    with pytest.raises(ValueError, match=r"shape \(7,\), the parameters have 8 elements"):
        vector_to_parameters(vector.detach()[:7], other.parameters())
    with pytest.raises(TypeError, match="takes a tensor, not ndarray"):
        vector_to_parameters(np.zeros(8), other.parameters())
