"""Hooks before and after forward, and in backward."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_forward_hooks_see_and_replace():
    layer, seen = nn.Identity(), []
    before = layer.register_forward_pre_hook(lambda m, args: seen.append(args) or (args[0] + 1,))
    after = layer.register_forward_hook(lambda m, args, y: seen.append((args, y)) or y * 10)
    assert layer(mg.ones(1)).item() == 20
    assert seen[0][0].item() == 1
    assert seen[1][0][0].item() == 2
    before.remove()
    after.remove()
    assert layer(mg.ones(1)).item() == 1


def test_a_pre_hook_may_return_one_argument():
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda m, args: args[0] * 3)
    assert layer(mg.ones(1)).item() == 3


def test_hooks_with_keyword_arguments():
    class Scaled(nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    layer, seen = Scaled(), []
    layer.register_forward_pre_hook(lambda m, args, kw: (args, {"by": kw["by"] + 1}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kw, y: seen.append(kw), with_kwargs=True)
    assert layer(mg.ones(1), by=2.0).item() == 3
    assert seen == [{"by": 3.0}]
    layer.register_forward_pre_hook(lambda m, args, kw: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match="a pair"):
        layer(mg.ones(1), by=2.0)


def test_prepended_hooks_run_first():
    layer, order = nn.Identity(), []
    layer.register_forward_hook(lambda *a: order.append("b"))
    layer.register_forward_hook(lambda *a: order.append("c"))
    first = layer.register_forward_hook(lambda *a: order.append("a"), prepend=True)
    layer(mg.ones(1))
    assert order == ["a", "b", "c"]
    first.remove()
    layer(mg.ones(1))
    assert order[3:] == ["b", "c"]


def test_handles_work_as_blocks():
    layer, seen = nn.Identity(), []
    with layer.register_forward_hook(lambda *a: seen.append(1)):
        layer(mg.ones(1))
    layer(mg.ones(1))
    assert seen == [1]


def test_backward_hook_sees_this_module_alone(rng):
    """The input's own gradient is summed over the skip too; the hook sees what came through the layer."""
    layer, seen = nn.Linear(3, 3).double(), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((m, gi, go)))
    x = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
    g = rng.standard_normal((2, 3))
    (x + layer(x)).backward(g)
    ((module, (g_in,), (g_out,)),) = seen
    assert module is layer
    np.testing.assert_array_equal(g_out.array, g)
    np.testing.assert_allclose(g_in.array, g @ layer.weight.array, rtol=1e-14)
    np.testing.assert_allclose(x.grad.array, g + g @ layer.weight.array, rtol=1e-14)


def test_backward_hook_replaces_the_gradient():
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 0,))
    x = mg.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert not x.grad.array.any()
    assert layer.weight.grad.array.all()


def test_backward_pre_hook_replaces_what_arrives():
    layer, seen = nn.Linear(2, 1, bias=False), []
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] * 5,))
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].item()))
    layer(mg.ones(1, 2, requires_grad=True)).sum().backward()
    assert seen == [5.0]
    assert layer.weight.grad.tolist() == [[5.0, 5.0]]


def test_a_first_layer_has_no_input_gradient():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    layer(mg.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]


def test_a_hook_that_has_no_gradient_to_replace():
    """PyTorch raises, too."""
    layer = nn.Linear(2, 1)
    handle = layer.register_full_backward_hook(lambda m, gi, go: (mg.ones(1, 2),))
    with pytest.raises(RuntimeError, match="no gradient reaches Linear's inputs"):
        layer(mg.ones(1, 2)).sum().backward()
    handle.remove()
    layer.register_full_backward_hook(lambda m, gi, go: (None,))
    layer(mg.ones(1, 2)).sum().backward()
    assert layer.weight.grad is not None


def test_several_inputs_and_outputs():
    class Swap(nn.Module):
        def forward(self, a, n, b):
            return b * n, a * n

    layer, seen = Swap(), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    a, b = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    first, second = layer(a, 3, b)
    (first * 5 + second * 7).sum().backward()
    ((g_in, g_out),) = seen
    assert [None if g is None else g.item() for g in g_in] == [21, None, 15]
    assert [g.item() for g in g_out] == [5, 7]
    assert (a.grad.item(), b.grad.item()) == (21, 15)


def test_gradients_in_a_hook_can_not_be_written_to():
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: gi[0].mul_(2))
    with pytest.raises(ValueError, match="read-only"):
        layer(mg.ones(1, 2, requires_grad=True)).sum().backward()


def test_a_hook_that_returns_too_many():
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="returned 2 gradients, grad_input has 1"):
        layer(mg.ones(1, 2, requires_grad=True)).sum().backward()


def test_backward_hooks_need_tensors():
    class Dictionary(nn.Module):
        def forward(self, x):
            return {"x": x}

    layer = Dictionary()
    layer.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.raises(TypeError, match="must be a tensor or a tuple of tensors, not a dict"):
        layer(mg.ones(1))


def test_hooks_leave_second_derivatives_right():
    layer = nn.Identity()
    layer.register_full_backward_hook(lambda m, gi, go: None)
    x = mg.tensor([2.0], requires_grad=True)
    (g,) = mg.grad((layer(x) ** 3).sum(), x, create_graph=True)
    (gg,) = mg.grad(g.sum(), x)
    assert (g.item(), gg.item()) == (12, 12)


def test_without_a_graph_no_hook_runs():
    layer, seen = nn.Linear(1, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(1))
    with mg.no_grad():
        assert layer(mg.ones(1, 1)).node is None
    assert not seen


def test_users_may_keep_their_handles_under_any_name():
    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self._path, self._hooks = "here", []
            self._hooks.append(self.register_forward_hook(lambda *a: self._hooks.append(1)))

        def forward(self, x):
            return x * 2

    net = Watched()
    y = net(mg.ones(1, requires_grad=True))
    assert net._hooks[1:] == [1]
    assert (net._path, y.node.module) == ("here", "")
