"""What minigrad says to bad input: the operation, the shapes, the user's line, the remedy."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def test_shapes_that_do_not_broadcast_name_the_line():
    with pytest.raises(mg.OperationError) as caught:
        mg.ones(2, 3) + mg.ones(4)  # this very line
    message = str(caught.value)
    assert message.startswith("Add((2, 3), (4,)):")
    assert "this very line" in message


def test_matmul_names_both_shapes():
    with pytest.raises(mg.OperationError, match=r"\(2, 3\).*\(4, 5\)"):
        mg.ones(2, 3) @ mg.ones(4, 5)


def test_a_linear_layer_of_the_wrong_width():
    with pytest.raises(mg.OperationError, match=r"\(8, 5\).*\(3, 4\)"):
        nn.Linear(4, 3)(mg.ones(8, 5))


def test_labels_out_of_range():
    with pytest.raises((IndexError, mg.OperationError), match=r"7.*5 classes|label 7"):
        F.cross_entropy(mg.zeros(3, 5), mg.tensor([0, 7, 1]))


def test_labels_of_the_wrong_dtype():
    with pytest.raises((TypeError, mg.OperationError), match=r"int"):
        F.nll_loss(mg.zeros(3, 5), mg.tensor([0.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("settings", "word"), [({"dilation": -1}, "dilation"), ({"stride": 0}, "stride"), ({"padding": -1}, "padding")]
)
def test_convolution_settings(settings, word):
    with pytest.raises(mg.OperationError, match=word):
        F.conv2d(mg.ones(1, 2, 5, 5), mg.ones(3, 2, 3, 3), **settings)


def test_convolution_channels_and_groups():
    with pytest.raises(mg.OperationError, match=r"channels|groups"):
        F.conv2d(mg.ones(1, 3, 5, 5), mg.ones(4, 2, 3, 3))


def test_a_kernel_larger_than_the_image():
    with pytest.raises(mg.OperationError, match=r"kernel"):
        F.conv2d(mg.ones(1, 2, 2, 2), mg.ones(3, 2, 5, 5))


def test_integers_can_not_require_a_gradient():
    with pytest.raises(mg.OperationError, match="floating-point.*int64"):
        mg.tensor([1, 2], requires_grad=True)


def test_rows_of_different_lengths():
    with pytest.raises(ValueError, match="length|shape"):
        mg.tensor([[1.0, 2.0], [3.0]])


def test_another_device():
    for call in (lambda: mg.ones(2, device="cuda"), lambda: mg.ones(2).to("cuda:0"), lambda: mg.ones(2).cuda()):
        with pytest.raises(RuntimeError, match="CPU only"):
            call()
    assert mg.ones(2, device="cpu").to(mg.device("cpu")).device == "cpu"


def test_writing_into_the_graph():
    w = mg.ones(3, requires_grad=True)
    with pytest.raises(mg.OperationError, match=r"a leaf Variable that requires grad.*in-place.*no_grad"):
        w.add_(1)
    with mg.no_grad():
        w.add_(1)
    assert w.tolist() == [2, 2, 2]


def test_plus_equals_writes_in_place():
    layer = mg.nn.Linear(1, 1, bias=False)
    frozen = mg.nn.Parameter(mg.ones(1), requires_grad=False)
    layer(mg.ones(1, 1)).sum().backward()
    before = layer.weight.item()
    for p in layer.parameters():
        with pytest.raises(mg.OperationError, match=r"a leaf Variable that requires grad.*in-place.*no_grad"):
            p -= 0.5 * p.grad
    for p in (*layer.parameters(), frozen):
        with mg.no_grad():
            p -= 0.5
            p *= 4
            p /= 2
            p += 1
    assert layer.weight.item() == pytest.approx(2 * (before - 0.5) + 1)
    assert frozen.item() == 2
    x = mg.ones(1)
    y = x
    y += 1
    assert x.item() == 2


def test_the_truth_of_many_values():
    with pytest.raises(mg.OperationError, match="ambiguous"):
        bool(mg.ones(2) == mg.ones(2))


def test_a_dimension_out_of_range():
    for call in (lambda x: x.sum(2), lambda x: x.mean(dim=-3), lambda x: x.unsqueeze(4), lambda x: x.size(2)):
        with pytest.raises(IndexError, match="out of range"):
            call(mg.ones(2, 3))


def test_item_of_many():
    with pytest.raises(mg.OperationError, match=r"exactly one element.*\(2,\)"):
        mg.ones(2).item()


def test_numpy_of_a_tensor_with_a_gradient():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(mg.OperationError, match=r"detach\(\)\.numpy\(\)"):
        x.numpy()
    assert x.detach().numpy() is x.array


def test_a_gradient_of_the_wrong_shape():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(mg.OperationError, match=r"grad of shape \(3,\)"):
        x.grad = mg.ones(3)


def test_an_unknown_kernel_backend(run_python):
    result = run_python("import minigrad", MINIGRAD_KERNELS="cuda")
    assert result.returncode != 0
    assert "'numba' (the default) or 'numpy'" in result.stderr


def test_inf_minus_inf_is_quiet_and_nan_stays_visible():
    x = mg.tensor([np.inf, 1.0])
    assert mg.isnan(mg.softmax(x, dim=0)).any().item()


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: F.max_pool2d(x, "3"), TypeError, "max_pool2d: kernel_size must be an integer of at least 1 (1 or 2"),
        (lambda x: F.fold(x, 4, 2, stride=0), mg.OperationError, "fold: stride must be an integer of at least 1 (1 or"),
        (lambda x: mg.cat(x.split(1), dim=4), IndexError, "cat: dim is out of range: it must be from -4 to 3 for 4"),
        (
            lambda x: F.dropout(x, float("nan")),
            mg.OperationError,
            "dropout: p must be a number from 0 to 1, and is nan",
        ),
        (lambda x: F.elu(x, inplace="yes"), TypeError, "elu: inplace must be True or False, and is 'yes' (str)"),
        (lambda x: mg.cat([x, None]), TypeError, "cat: each of tensors must be a tensor, and is None"),
        (
            lambda x: F.one_hot(x.long(), 2**50),
            MemoryError,
            "one_hot: a tensor of shape (1, 2, 5, 5, 1125899906842624) takes",
        ),
    ],
)
def test_the_door_says_operation_argument_what_is_wanted_and_what_came(call, kind, words):
    with pytest.raises(kind) as caught:
        call(mg.ones(1, 2, 5, 5))  # the user's line
    assert str(caught.value).startswith(words)
    assert "test_bad_input.py" in str(caught.value)


def test_a_setting_that_a_gradient_would_have_to_go_through_is_refused():
    with pytest.raises(TypeError, match="alpha must be a number"):
        F.elu(mg.ones(2), alpha=mg.tensor(1.0, requires_grad=True))
    assert F.elu(mg.ones(2), alpha=mg.tensor(1.0)).tolist() == [1.0, 1.0]
