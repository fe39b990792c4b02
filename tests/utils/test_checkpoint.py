"""Checkpoint: the same gradients to the bit, with less kept; random numbers drawn again; what can't work says so."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.utils.checkpoint import checkpoint


def net(dropout=0.3):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))


def gradients(model, x, lean):
    mg.manual_seed(5)
    model.zero_grad()
    x = x.detach().requires_grad_()
    y = checkpoint(model, x) if lean else model(x)
    mg.rand(3)  # what is drawn after it mustn't move what it draws again
    (y * mg.arange(3)).square().sum().backward()
    return [y.array.tobytes(), x.grad.array.tobytes(), *(p.grad.array.tobytes() for p in model.parameters())]


def test_same_gradients_to_the_bit_with_dropout():
    model, x = net(), mg.randn(6, 4)
    assert gradients(model, x, lean=False) == gradients(model, x, lean=True)


def test_the_generator_goes_on_as_if_nothing_had_been_drawn_again():
    model, x = net(), mg.randn(6, 4)
    after = []
    for lean in (False, True):
        gradients(model, x, lean)
        after.append(mg.rand(2).tolist())
    assert after[0] == after[1]


def test_without_the_state_it_draws_new_numbers():
    x = mg.ones(1000, requires_grad=True)
    y = checkpoint(lambda t: mg.dropout(t, 0.5), x, preserve_rng_state=False)
    y.sum().backward()
    assert (y.array != x.grad.array).any()


def test_grad_works_for_parameters_and_an_input_without_gradient():
    model, x = net(0), mg.randn(6, 4)
    params = list(model.parameters())
    lean = mg.grad(checkpoint(model, x).square().sum(), params)
    full = mg.grad(model(x).square().sum(), params)
    for a, b in zip(lean, full, strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_nothing_inside_is_kept_and_the_trace_says_so():
    model, x = net(), mg.randn(6, 4, requires_grad=True)
    kinds = [type(step.node).__name__ for step in mg.backward_steps(checkpoint(model, x).sum())]
    assert kinds == ["Sum", "Checkpoint"]


def test_several_outputs_one_unused_and_one_without_gradient():
    x = mg.randn(3, requires_grad=True)
    a, b, c = checkpoint(lambda t: (t * 2, t.square(), t.detach()), x)
    assert not c.requires_grad or c is not None
    (a * 3).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0, 6.0]
    assert b.shape == (3,)


def test_no_grad_and_keywords():
    x = mg.ones(2, requires_grad=True)
    with mg.no_grad():
        assert not checkpoint(lambda t, k: t * k, x, k=3).requires_grad
    assert checkpoint(lambda t, k: t * k, x, use_reentrant=False, k=3).tolist() == [3.0, 3.0]


def test_second_derivative():
    x = mg.tensor([0.3, -0.5], dtype=mg.float64, requires_grad=True)
    w = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)

    def run(t):
        return mg.tanh(t * w)

    for target in (x, w):
        found = []
        for y in (run(x), checkpoint(run, x)):
            (g,) = mg.grad(y.sum(), x, create_graph=True)
            (gg,) = mg.grad(g.square().sum(), target)
            found.append(gg.array)
        np.testing.assert_allclose(found[0], found[1], rtol=1e-14)


def test_what_cannot_work_says_so():
    x = mg.ones(2, requires_grad=True)
    outside = x * 2
    with pytest.raises(mg.OperationError, match="pass it as an argument"):
        checkpoint(lambda t: t * outside, x)
    with pytest.raises(TypeError, match="must give a tensor"):
        checkpoint(lambda t: [t], x)


def test_as_torch():
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint as theirs

    array = np.array([0.3, -1.2])
    x, t = mg.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    checkpoint(lambda v: v.tanh() * v, x).sum().backward()
    theirs(lambda v: v.tanh() * v, t, use_reentrant=False).sum().backward()
    np.testing.assert_allclose(x.grad.array, t.grad.numpy(), rtol=1e-12)
