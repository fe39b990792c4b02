"""What all optimizers share: which parameters a step changes, closures, clearing gradients, messages, repr."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.errors import OperationError
from minigrad.optim import SGD, Adam, AdamW, Optimizer, RMSprop

KINDS = [SGD, Adam, AdamW, RMSprop]


def leaf(values):
    return mg.tensor(np.asarray(values, np.float64), requires_grad=True)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_gradient_nothing_moves(kind, feed):
    """Not even by weight decay, and without a count of steps."""
    a, b = leaf([1.0]), leaf([1.0])
    optimizer = kind([a, b], lr=0.1, weight_decay=0.5)
    feed(optimizer, [a, b], [np.ones(1), None])
    assert a.item() != 1
    assert b.item() == 1
    assert b not in optimizer.state


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_zeros_still_decays(kind, feed):
    p = leaf([1.0])
    feed(kind([p], lr=0.1, weight_decay=0.5), [p], [np.zeros(1)])
    assert p.item() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_maximize_goes_up(kind):
    p = leaf([1.0, -1.0])
    optimizer = kind([p], lr=0.1, weight_decay=0, maximize=True)
    (p * mg.tensor([2.0, -3.0])).sum().backward()
    optimizer.step()
    assert p.array[0] > 1
    assert p.array[1] < -1


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_no_operation(kind, feed):
    """The parameter stays the leaf it was, in the array it had."""
    p = leaf([1.0])
    data = p.array
    feed(kind([p], lr=0.1), [p], [np.ones(1)])
    assert p.is_leaf
    assert p.requires_grad
    assert p.array is data
    assert data[0] < 1


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes_are_kept_side_by_side(kind, feed, rng):
    values, gradient = rng.standard_normal((2, 2, 3))
    double = leaf(values)
    single = mg.tensor(values.astype(np.float32), requires_grad=True)
    optimizer = kind([double, single], lr=0.01)
    for _ in range(3):
        feed(optimizer, [double, single], [gradient, gradient.astype(np.float32)])
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert not np.allclose(double.array, values)
    np.testing.assert_allclose(single.array, double.array, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_any_strides(kind, feed, rng):
    values, gradient = rng.standard_normal((2, 3, 4))
    plain, strided, layout = leaf(values), leaf(values), leaf(values)
    layout.array = np.asfortranarray(values)
    gradients = [gradient, np.asfortranarray(gradient), np.repeat(gradient, 2, axis=1)[:, ::2]]
    optimizer = kind([plain, strided, layout], lr=0.01)
    for _ in range(2):
        for p, g in zip((plain, strided, layout), gradients, strict=True):
            p.grad = mg.zeros(3, 4, dtype=np.float64)
            p.grad.array = g
        optimizer.step()
    assert layout.array.flags.f_contiguous
    np.testing.assert_array_equal(strided.array, plain.array)
    np.testing.assert_array_equal(layout.array, plain.array)


@pytest.mark.parametrize("kind", KINDS)
def test_replaced_data_are_the_ones_that_move(kind, feed):
    p = leaf([1.0, 2.0])
    optimizer = kind([p], lr=0.1, weight_decay=0)
    feed(optimizer, [p], [np.ones(2)])
    old, new = p.array, np.array([10.0, 20.0])
    before = old.copy()
    p.array = new
    feed(optimizer, [p], [np.ones(2)])
    assert p.array is new
    assert (new < [10, 20]).all()
    np.testing.assert_array_equal(old, before)


def test_a_numpy_scalar_as_data():
    """``p.array * 0.5`` of an array without dimensions is a NumPy scalar, which has no memory to write to."""
    p = leaf(4.0)
    p.array = p.array * 0.5
    p.grad = mg.tensor(np.array(1.0))
    SGD([p], lr=0.5).step()
    assert p.item() == 1.5


def test_a_gradient_of_another_shape():
    p = leaf([1.0, 2.0])
    (p * p).sum().backward()
    p.array = np.ones(3)
    with pytest.raises(OperationError, match=r"shape \(2,\), its parameter \(3,\).*run forward and backward again"):
        SGD([p]).step()


def test_state_of_another_shape(feed):
    p = leaf([1.0, 2.0])
    optimizer = SGD([p], momentum=0.9)
    feed(optimizer, [p], [np.ones(2)])
    p.array, p.grad = np.ones(3), None
    with pytest.raises(OperationError, match=r"momentum_buffer has shape \(2,\), its parameter \(3,\).*del optimizer"):
        feed(optimizer, [p], [np.ones(3)])


def test_data_that_can_not_be_written():
    p = leaf([1.0])
    p.grad = mg.ones(1, dtype=p.dtype)
    p.array = np.ones(1)
    p.array.flags.writeable = False
    with pytest.raises(OperationError, match="a parameter is read-only"):
        SGD([p]).step()
    p.array = np.ones(1, np.float16)
    with pytest.raises(OperationError, match=r"a parameter is float16.*\.float\(\)"):
        SGD([p]).step()


def test_zero_grad():
    a, b = leaf([1.0]), leaf([1.0])
    optimizer = SGD([{"params": [a]}, {"params": [b]}])
    (a * 3).sum().backward()
    kept = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is kept
    assert kept.tolist() == [0]
    assert b.grad is None
    optimizer.zero_grad()
    assert a.grad is None


def test_zero_grad_cuts_a_gradient_off_its_graph():
    p = leaf([3.0])
    (p**3).sum().backward(create_graph=True)
    kept = p.grad
    SGD([p]).zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0]
    assert p.grad.is_leaf
    assert not p.grad.requires_grad
    assert kept.tolist() == [27]


@pytest.mark.parametrize("kind", KINDS)
def test_the_closure_runs_first_with_gradients(kind):
    p = leaf([1.0, -2.0])
    optimizer = kind([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        loss = optimizer.step(closure)
        assert not mg.is_grad_enabled()
    assert loss.item() == 5
    assert p.grad.tolist() == [2, -4]
    assert (p * p).sum().item() < 5
    assert optimizer.step() is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_net_learns(kind):
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([[0.0], [1.0], [1.0], [0.0]])
    settings = {"lr": 0.2, "momentum": 0.9} if kind is SGD else {"lr": 0.02}
    optimizer = kind(net.parameters(), **settings)
    for _ in range(300):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02


class HalfTheSign(Optimizer):
    """An optimizer written as for PyTorch: it overrides ``step`` and keeps a count."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1
                    p.array -= group["lr"] / 2 * np.sign(p.grad.array)


def test_an_optimizer_of_ones_own(feed):
    p = leaf([1.0, 1.0])
    optimizer = HalfTheSign([p], lr=0.5)
    feed(optimizer, [p], [np.array([3.0, -3.0])])
    assert p.tolist() == [0.75, 1.25]
    loaded = HalfTheSign([p], lr=9.0)
    loaded.load_state_dict(optimizer.state_dict())
    assert loaded.state[p]["count"] == 1
    assert loaded.param_groups[0]["lr"] == 0.5


def test_the_base_class_has_no_step():
    p = leaf([1.0])
    p.grad = mg.ones(1, dtype=p.dtype)
    with pytest.raises(NotImplementedError, match=r"Optimizer has no step\(\): override step or _update"):
        Optimizer([p], {}).step()


SGD_GROUP = """\
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: {}
    maximize: False
    momentum: 0
    nesterov: False
    weight_decay: 0
"""


def test_repr_is_pytorchs():
    a, b = leaf([1.0]), leaf([1.0])
    assert repr(SGD([a], lr=0.1)) == "SGD (\nParameter Group 0\n" + SGD_GROUP.format(0.1) + ")"
    two = SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1)
    assert repr(two) == (
        "SGD (\nParameter Group 0\n" + SGD_GROUP.format(0.1) + "\nParameter Group 1\n" + SGD_GROUP.format(0.5) + ")"
    )


ADAM_REPR = """\
{} (
Parameter Group 0
    amsgrad: False
    betas: (0.9, 0.999)
    capturable: False
    decoupled_weight_decay: {}
    differentiable: False
    eps: 1e-08
    foreach: None
    fused: None
    lr: 0.001
    maximize: False
    weight_decay: {}
)"""
RMSPROP_REPR = """\
RMSprop (
Parameter Group 0
    alpha: 0.99
    capturable: False
    centered: False
    differentiable: False
    eps: 1e-08
    foreach: None
    lr: 0.01
    maximize: False
    momentum: 0
    weight_decay: 0
)"""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Adam, ADAM_REPR.format("Adam", False, 0)),
        (AdamW, ADAM_REPR.format("AdamW", True, 0.01)),
        (RMSprop, RMSPROP_REPR),
    ],
)
def test_repr_of_the_defaults_is_pytorchs(kind, text):
    assert repr(kind([leaf([1.0])])) == text
