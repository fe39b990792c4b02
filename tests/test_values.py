"""Values that were wrong once, seen from outside: each is PyTorch's answer, as a literal."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F

nan, inf = math.nan, math.inf


def gradient(function, *values):
    x = mg.tensor(*values, requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "exp", "relu", "erf", "log", "sqrt", "sin", "hardswish", "mish", "gelu"]
)
def test_a_rule_works_without_dimensions(name):
    function = getattr(F, name, None) or getattr(mg, name)
    assert gradient(function, 0.5) == pytest.approx(gradient(function, [0.5])[0])


def test_the_weight_of_a_loss_acts():
    x, y, w = mg.tensor([1.0, 2.0, 4.0]), mg.tensor([0.0, 0.0, 1.0]), mg.tensor([1.0, 2.0, 5.0])
    assert F.mse_loss(x, y, weight=w).item() == 6.75
    assert F.mse_loss(x, y, weight=w, reduction="none").tolist() == [1, 8, 45]
    assert F.huber_loss(x, y, weight=w).item() == pytest.approx(16 / 3)
    assert F.huber_loss(x, y, weight=w, reduction="sum").item() == 16


@pytest.mark.parametrize("loss", [F.cross_entropy, lambda x, *more: F.nll_loss(F.log_softmax(x, 1), *more)])
def test_rows_that_do_not_count_get_no_gradient(loss):
    x = mg.zeros(2, 3, requires_grad=True)
    y = loss(x, mg.tensor([-100, -100]))
    y.backward()
    assert math.isnan(y.item())
    assert x.grad.tolist() == [[0, 0, 0], [0, 0, 0]]
    x = mg.zeros(2, 3, requires_grad=True)
    loss(x, mg.tensor([0, -100]), mg.tensor([0.0, 0.0, 1.0])).backward()
    assert np.isnan(x.grad.numpy()[0]).all()
    assert x.grad[1].tolist() == [0, 0, 0]


def test_a_nan_elsewhere_does_not_reach_a_gradient():
    x, y = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([nan, 3.0])
    F.l1_loss(x, y, reduction="none")[~y.isnan()].sum().backward()
    assert x.grad.tolist() == [0, -1]


@pytest.mark.parametrize(
    ("switch", "enabled"),
    [
        (mg.no_grad, False),
        (mg.enable_grad, True),
        (mg.inference_mode, False),
        (lambda: mg.set_grad_enabled(False), False),
    ],
)
def test_a_generator_is_decorated_too(switch, enabled):
    @switch()
    def steps():
        yield mg.is_grad_enabled()

    mg.set_grad_enabled(True)
    assert list(steps()) == [enabled]
    assert mg.is_grad_enabled()


def test_meshgrid_carries_the_gradient():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    a, b = mg.meshgrid(x, mg.tensor([1.0, 10.0, 100.0]), indexing="xy")
    assert a.shape == (3, 2)
    (a * b).sum().backward()
    assert x.grad.tolist() == [111, 111]
    with pytest.raises(mg.OperationError, match="indexing must be 'ij'"):
        mg.meshgrid(x, x, indexing="zz")


def test_an_empty_batch_leaves_the_running_statistics_alone():
    norm = mg.nn.BatchNorm2d(2)
    norm(mg.zeros(0, 2, 3, 3))
    assert norm.running_mean.tolist() == [0, 0]
    assert norm.running_var.tolist() == [1, 1]


def test_gelu_at_infinity():
    assert F.gelu(mg.tensor([inf, 100.0])).tolist() == [inf, 100]


@pytest.mark.parametrize("other", [None, "3", [1, 2], object()])
@pytest.mark.parametrize("function", [mg.add, mg.mul, mg.div, F.mse_loss, mg.maximum])
def test_what_is_no_number_is_refused(function, other):
    with pytest.raises(TypeError):
        function(mg.ones(2), other)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.softmax(x, 0),
        lambda x: F.log_softmax(x, 0),
        lambda x: F.avg_pool2d(x, 2),
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
        F.hardswish,
        F.mish,
        F.celu,
    ],
)
def test_integers_are_refused_where_the_result_would_be_none(function):
    with pytest.raises(TypeError, match="floating-point"):
        function(mg.arange(4).reshape(1, 1, 2, 2))


@pytest.mark.parametrize("divide", [lambda a, b: a // b, lambda a, b: a % b])
@pytest.mark.parametrize("zero", [0, mg.tensor([0])])
def test_an_integer_has_no_quotient_by_0(divide, zero):
    with pytest.raises(ZeroDivisionError):
        divide(mg.tensor([5]), zero)
    assert math.isnan((mg.tensor([0.0]) % 0).item())


@pytest.mark.parametrize(
    "apply", [lambda b: b // b, lambda b: b % b, lambda b: b - b, lambda b: b - 1, lambda b: 1 - b, lambda b: -b]
)
def test_booleans_are_no_numbers(apply):
    with pytest.raises(TypeError):
        apply(mg.tensor([True]))


def test_numpys_numbers_count_as_pythons():
    two = np.float64(2)
    assert (mg.tensor(3.0) * two).dtype == mg.float32
    assert (mg.arange(3) * two).dtype == mg.float32
    assert (mg.arange(3) / np.float64(2)).dtype == mg.float32


def test_small_integers():
    u = mg.tensor([1, 2], dtype=mg.uint8)
    assert (u * 300).tolist() == [44, 88]
    assert (u == 300).tolist() == [False, False]
    for overflow in (lambda: mg.full((2,), 300, dtype=mg.uint8), lambda: u.masked_fill(u > 1, 300)):
        with pytest.raises(mg.OperationError, match="doesn't fit into uint8"):
            overflow()
    assert mg.arange(-0.9, 2.1, 2.0, dtype=mg.int64).tolist() == [0]
    assert mg.linspace(0, 10, 4, dtype=mg.int64).tolist() == [0, 3, 6, 10]
    assert mg.einsum("i->", mg.tensor([1, 2], dtype=mg.int32)).dtype == mg.int64


@pytest.mark.parametrize(
    "loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div, F.mse_loss, F.l1_loss]
)
@pytest.mark.parametrize("target", [mg.tensor([1, 0]), mg.ones(2, dtype=mg.float64)])
def test_a_gradient_has_its_tensors_dtype(loss, target):
    x = mg.tensor([0.5, 0.25], requires_grad=True)
    loss(x, target).backward()
    assert x.grad.dtype == mg.float32


def test_three_sizes_are_not_read_as_two():
    with pytest.raises(mg.OperationError, match="output_size"):
        F.adaptive_avg_pool2d(mg.ones(1, 1, 4, 4), (1, 2, 3))


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.array(["a"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(2, [("a", "f4")]),
        *([np.zeros(2, np.longdouble)] if np.dtype(np.longdouble).itemsize > 8 else []),
    ],
)
@pytest.mark.parametrize("door", [mg.tensor, mg.from_numpy, mg.as_tensor])
def test_what_no_kernel_knows_is_refused_at_the_door(door, array):
    with pytest.raises(TypeError, match="can't hold"):
        door(array)


def test_another_byte_order_is_converted_in_a_copy():
    swapped = np.array([1.0, 2.0]).astype(">f4")
    assert mg.tensor(swapped).tolist() == [1, 2]
    assert mg.tensor(swapped).dtype.isnative
    with pytest.raises(TypeError, match="byte order"):
        mg.from_numpy(swapped)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_a_loss_of_two_shapes_warns(loss):
    with pytest.warns(UserWarning, match=r"\(4, 1\).*\(4,\)"):
        loss(mg.ones(4, 1), mg.ones(4))


def test_a_gradient_check_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="no input requires a gradient"):
        mg.gradcheck(lambda x: x * 2, mg.ones(2, dtype=mg.float64))


@pytest.mark.parametrize(
    ("function", "corner"),
    [
        (lambda x: F.huber_loss(x, mg.zeros(1, dtype=mg.float64)), 1.0),
        (lambda x: F.smooth_l1_loss(x, mg.zeros(1, dtype=mg.float64)), -1.0),
        (F.elu, 0.0),
        (F.selu, 0.0),
        (F.celu, 0.0),
    ],
)
def test_second_derivatives_are_0_at_a_corner(function, corner):
    x = mg.tensor([corner], dtype=mg.float64, requires_grad=True)
    (first,) = mg.grad(function(x).sum(), x, create_graph=True)
    (second,) = mg.grad(first.sum(), x)
    assert second.tolist() == [0]


def test_extremes():
    assert mg.tensor([1.0, 2.0]).var(correction=2).item() == inf
    assert gradient(lambda x: x.norm(), [inf, 1.0])[1] == 0
    assert math.isnan(gradient(lambda x: x.norm(), [inf, 1.0])[0])
    assert gradient(lambda x: x.prod(), [0.0, inf]) == [inf, 0]
    assert mg.tensor([1.0, 5.0]).clamp_(min=mg.tensor([2.0, 2.0])).tolist() == [2, 5]
    square = mg.zeros(2, 2)
    square.diagonal().fill_(3)
    assert square.tolist() == [[3, 0], [0, 3]]
    assert mg.ones(1).float(memory_format=mg.contiguous_format).tolist() == [1]
