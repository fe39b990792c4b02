"""A lesion takes a block's branch away in forward; its gradients are those of the net without it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from inspect_nets import ResNet, Transformer, UNet, randn

import minigrad as mg
from minigrad import inspect, nn


def test_a_residual_block_becomes_its_shortcut():
    blocks = [nn.Residual(nn.Linear(3, 3), after=nn.ReLU()), nn.Residual(nn.Linear(3, 2), nn.Linear(3, 2), scale=2.0)]
    net = nn.Sequential(*blocks).double()
    x = randn(4, 3)
    with inspect.lesion(net, "0"):
        np.testing.assert_array_equal(net(x).array, net[1](x.relu()).array)
    with inspect.lesion(net, [0, 1]):
        np.testing.assert_array_equal(net(x).array, net[1].shortcut(x.relu()).array)
    whole = net(x).array
    np.testing.assert_array_equal(net(x).array, whole)


def test_gates_shut_and_concatenated_parts_become_zero(mixed):
    _, x, net = mixed
    with inspect.lesion(net, ["0", "1"]):
        np.testing.assert_array_equal(net(x).array, net[2](x).array)
    with inspect.lesion(net, "2"):
        y = net(x).array
    np.testing.assert_array_equal(y[:, :3], net[1](net[0](x)).array)
    assert not y[:, 3:].any()


def test_gradients_go_over_the_skip_only(mixed):
    _, x, net = mixed
    with inspect.lesion(net, ["0", "1"]):
        net(x).square().sum().backward()
    assert all(p.grad is None for block in (net[0], net[1]) for p in block.parameters())
    got = x.grad.array
    x.grad = None
    net[2](x).square().sum().backward()
    np.testing.assert_array_equal(got, x.grad.array)


@pytest.mark.parametrize("training", [True, False])
def test_a_resnet_written_for_pytorch(training):
    net = ResNet().double().train(training)
    x = randn(2, 2, 6, 6)
    before = {name: b.array.copy() for name, b in net.named_buffers()}
    with inspect.lesion(net, "layer2"), mg.no_grad():
        y = net(x)
    h = net.layer1(net.conv1(x)) if not training else None
    if not training:
        first = net.layer2[0].downsample(h).relu()
        np.testing.assert_array_equal(y.array, net.fc(first.relu().mean((2, 3))).array)
        assert all(np.array_equal(before[name], b.array) for name, b in net.named_buffers())
    else:  # one run in training mode moves the means once; the search for the joins doesn't
        assert net.layer1[0].bn1.num_batches_tracked.item() == 1
        assert all(module.training for module in net.modules())


def test_implicit_long_skips():
    net = UNet().double().eval()
    x = randn(1, 1, 8, 8)
    with inspect.lesion(net, "enc1->dec1"):
        got = net(x).array
    e1 = net.enc1(x)
    np.testing.assert_allclose(got, net.dec1(mg.cat([e1, mg.zeros_like(e1)], 1)).array, rtol=1e-12)


def test_one_of_two_branches_in_a_module():
    net = Transformer().double()
    tokens = mg.tensor([[0, 1, 2]])
    with inspect.lesion(net, "h.*.attn"):
        got = net(tokens).array
    x = net.wte(tokens) + net.wpe(mg.arange(0, 3))
    for block in net.h:
        x = x + block.mlp(block.ln_2(x))
    np.testing.assert_allclose(got, net.head(x).array, rtol=1e-12)


def test_several_lesions_at_once(mixed):
    _, x, net = mixed
    with inspect.lesion(net, "0"), inspect.lesion(net, "1"):
        np.testing.assert_array_equal(net(x).array, net[2](x).array)
    assert "forward" not in vars(net)


def test_it_holds_for_every_call_in_the_block(mixed):
    _, x, net = mixed
    with inspect.lesion(net, ["0", "1"]):
        for _ in range(2):
            np.testing.assert_array_equal(net(x).array, net[2](x).array)


def test_bad_input(mixed):
    _, x, net = mixed
    with pytest.raises(inspect.UnknownNameError, match="no block 'branch'"), inspect.lesion(net, "branch"):
        net(x)
    assert "forward" not in vars(net)
    plain = nn.Linear(3, 3).double()
    with pytest.raises(mg.OperationError, match="no skip connection"), inspect.lesion(plain, "0"):
        plain(x)
    with pytest.raises(TypeError, match=r"nn\.Module"):
        inspect.lesion(lambda x: x, "0")
    with pytest.warns(UserWarning, match="never called"), inspect.lesion(net, "0"):
        pass
    cut = inspect.lesion(net, "0")
    with pytest.raises(mg.OperationError, match="in force already"), cut, cut:
        pass


class Lookup(nn.Module):
    """Nothing here has a gradient."""

    def forward(self, tokens):
        return tokens + tokens


def test_a_model_without_a_graph_or_without_dimensions():
    with pytest.raises(mg.OperationError, match="has a graph"), inspect.lesion(Lookup(), 0) as lesion:
        lesion.model(mg.tensor([1, 2]))
    number = nn.Sequential(nn.Residual(lambda b: b * b))
    with pytest.raises(mg.OperationError, match="without dimensions"), inspect.lesion(number, "0"):
        number(mg.tensor(2.0))


def test_the_search_finds_tensors_in_what_a_model_returns(mixed):
    class Wrapped(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x, *, scale):
            return {"logits": [self.net(x) * scale], "loss": None}

    _, x, net = mixed
    model = Wrapped(net)
    with inspect.lesion(model, ["net.0", "net.1"]):
        got = model(x, scale=1.0)["logits"][0]
    np.testing.assert_array_equal(got.array, net[2](x).array)


def test_a_copy_that_is_made_under_a_lesion_is_whole(mixed):
    _, x, net = mixed
    whole = net(x).array
    with inspect.lesion(net, "0"), inspect.lesion(net, "1"):
        twin = copy.deepcopy(net)
        assert not np.array_equal(net(x).array, whole)
        np.testing.assert_array_equal(twin(x).array, whole)
    np.testing.assert_array_equal(twin(x).array, whole)
    assert twin.forward.__self__ is twin


@pytest.mark.parametrize("kind", ["drop", "project", "mix"])
def test_lesions_of_the_newer_joins(kind):
    """Without its branch each gives its skip (a sum over depth: with its weight), and so does backward."""
    mg.manual_seed(0)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Linear(3, 3)

        def forward(self, x):
            s, b = mg.skip.fork(x)
            b = self.branch(b)
            if kind == "drop":
                return mg.skip.stochastic_add(s, b, 2.0)
            if kind == "project":
                return mg.skip.orthogonal_add(s, b)
            return mg.skip.depth_mix([s, b], mg.tensor([0.5, 0.25]))

    net = nn.Sequential(Block())
    x = mg.randn(2, 3, requires_grad=True)
    with inspect.lesion(net, "0"):
        y = net(x)
        y.backward(mg.ones(2, 3))
    factor = 0.5 if kind == "mix" else 1.0
    np.testing.assert_allclose(y.array, factor * x.array)
    np.testing.assert_allclose(x.grad.array, factor * np.ones((2, 3)))
