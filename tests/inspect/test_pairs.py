"""Fork-join pairs are found wherever they are, under their blocks' names; what is no pair gets a reason."""

from __future__ import annotations

import pytest
from inspect_nets import DenseNet, Transformer, UNet, randn

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn, skip


def pairs_of(*roots):
    return inspect.find_pairs(inspect.Graph(*roots))


def names(found):
    return [pair.name for pair in found.found]


def reasons(found):
    return " | ".join(u.reason for u in found.unpaired)


def test_explicit_blocks(mixed):
    found = pairs_of(mixed[0])
    assert names(found) == ["0", "1", "2"]
    assert [pair.kind for pair in found.found] == ["add", "gate", "concat"]
    assert not any(pair.implicit for pair in found.found)
    assert not found.unpaired


def test_a_gates_way_counts_with_the_branch(mixed):
    gate = pairs_of(mixed[0]).found[1]
    assert gate.skip_positions == (0,)
    assert gate.branch_positions == (1, 2)
    assert gate.parts == {0: "skip", 1: "branch", 2: "branch"}


def test_a_resnet_written_for_pytorch(resnet):
    found = pairs_of(resnet[0])
    assert names(found) == ["layer1.0", "layer1.1", "layer2.0", "layer2.1"]
    assert all(pair.implicit for pair in found.found)
    # `out += identity` puts the branch first: the skip is the way without weights, or with fewer.
    assert [pair.skip_positions for pair in found.found] == [(1,)] * 4
    assert [len(pair.skip_nodes) for pair in found.found] == [0, 0, 2, 0]
    assert not found.unpaired


def test_long_skips_of_a_unet():
    found = pairs_of(UNet()(mg.randn(1, 1, 8, 8)).sum())
    assert names(found) == ["enc2->dec2", "enc1->dec1"]
    assert [pair.skip_positions for pair in found.found] == [(1,), (0,)]
    inner, outer = (dict.fromkeys(pair.branch_nodes) for pair in found.found)
    assert all(node in outer for node in inner)


@pytest.mark.parametrize("pre", [True, False])
def test_a_transformer(pre):
    net = Transformer(pre)
    found = pairs_of(net(mg.tensor([[0, 1, 2]])).sum())
    assert names(found) == ["h.0.attn", "h.0.mlp", "h.1.attn", "h.1.mlp"]
    # GELU's own x + 0.04 x^3 is no block; token and position embeddings come from different values.
    assert [u.module for u in found.unpaired] == ["h.0.mlp.1", "h.1.mlp.1"]
    assert "a formula" in reasons(found)


def test_queries_keys_and_values_are_one_branch():
    pair = pairs_of(Transformer(pre=False)(mg.tensor([[0, 1, 2]])).sum()).found[0]
    assert sorted(pair.parts.values()) == ["branch", "branch", "branch", "skip"]


def test_a_densenet_has_a_pair_for_every_source_and_reader():
    found = pairs_of(DenseNet(3).double()(randn(2, 2)).sum())
    assert len(found.found) == 3 + 2 + 1
    assert not found.unpaired
    last = [pair for pair in found.found if pair.join is found.found[-1].join]
    assert [pair.skip_positions for pair in last] == [(2,), (1,), (0,)]
    assert [pair.branch_positions for pair in last] == [(3,), (2, 3), (1, 2, 3)]


def test_nested_blocks():
    inner = nn.Residual(nn.Linear(3, 3))
    net = nn.Sequential(nn.Residual(nn.Sequential(nn.Linear(3, 3), inner, nn.Tanh())))
    found = pairs_of(net(mg.ones(1, 3, requires_grad=True)).sum())
    assert names(found) == ["0.branch.1", "0"]
    assert found.found[0].join in found.found[1].branch_nodes


def test_one_fork_for_two_joins():
    x = randn(3)
    a, b, c = skip.fork(x, 3)
    found = pairs_of(skip.residual_add(skip.residual_add(a, b.tanh()), c.sin()).sum())
    assert [list(pair.parts.values()) for pair in found.found] == [
        ["skip", "branch", "other"],
        ["skip", "skip", "branch"],
    ]


def test_without_modules_blocks_are_numbered():
    x = randn(3)
    y = x + x.tanh()
    assert names(pairs_of((y + y.sin()).sum())) == ["block0", "block1"]


def test_a_module_called_by_plain_functions_gives_its_name():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)) for _ in range(2))

        def forward(self, x):
            for block in self.blocks:
                s, b = skip.fork(x)
                x = skip.residual_add(s, 0.5 * block(b))
            return x

    assert names(pairs_of(Net()(mg.ones(1, 2, requires_grad=True)).sum())) == ["blocks.0", "blocks.1"]


def test_a_value_from_the_side_does_not_hide_the_fork():
    """As a diffusion model's time embedding, which enters every branch."""
    time, first, inner = (nn.Linear(3, 3).double() for _ in range(3))
    t, h = time(randn(2, 3)), first(randn(2, 3))
    for _ in range(2):
        h = h + inner(h.tanh() * t)
    found = pairs_of(h.sum())
    assert len(found.found) == 2
    assert not any(pair.skip_nodes for pair in found.found)


def test_an_explicit_join_without_a_fork():
    x = randn(3)
    (pair,) = pairs_of(skip.residual_add(x, x.tanh()).sum()).found
    assert pair.implicit
    assert pair.fork is None
    assert pair.value is x


def test_shared_weights_are_no_fork():
    w = nn.Parameter(mg.ones(2, 2))
    found = pairs_of((mg.ones(1, 2) @ w + mg.ones(1, 2) @ w).sum())
    assert "share weights" in reasons(found)


def test_two_streams_that_cross_are_not_two_ways_from_one_fork():
    x = randn(2, 3)
    p = [nn.Linear(3, 3).double() for _ in range(8)]
    a0, b0 = p[0](x), p[1](x)
    a1, b1 = p[2](a0) + p[3](b0), p[4](a0) + p[5](b0)
    found = pairs_of((p[6](a1) + p[7](b1)).sum())
    assert len(found.found) == 2
    assert "meet at two values" in reasons(found)


def test_a_sum_of_losses_is_no_skip():
    x = randn(2, 3)
    h = nn.Linear(3, 3).double()(x)
    found = pairs_of(h.square().mean() + h.abs().mean())
    assert not found.found
    assert "parts of a loss" in reasons(found)


def test_scalars_can_have_skips():
    x = mg.tensor(2.0, requires_grad=True)
    assert len(pairs_of(x + x * x).found) == 1


def test_a_bias_is_no_join():
    x, w, b = randn(2, 3), randn(3, 3), randn(2, 3)
    found = pairs_of((x @ w + b).sum())
    assert not found.found
    assert not found.unpaired


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x: skip.fork(x)[0].tanh(), "way 1 never reached the loss"),
        (lambda x: x.mul(2) * skip.fork(x, 3)[0], "ways 1, 2 never reached"),
        (lambda x: x + x, "one and the same value"),
        (lambda x: mg.cat([p.tanh() for p in x.split([1, 2])]), "different outputs of Split"),
    ],
)
def test_what_is_no_pair_is_listed_with_its_reason(build, reason):
    found = pairs_of(build(randn(3)).sum())
    assert reason in reasons(found)


def test_a_fork_whose_ways_never_join():
    a, b = skip.fork(randn(3))
    found = pairs_of((a * b).sum())
    assert "never join" in reasons(found)
    assert "Mul, Mul" in reasons(found)


def test_a_skip_without_a_gradient():
    x = randn(3, requires_grad=False)
    found = pairs_of(skip.residual_add(x, x * randn(3)).sum())
    assert "requires_grad_()" in reasons(found)
    found = pairs_of(skip.residual_add(randn(3), x).sum())
    assert "on its branch" in reasons(found)


def test_no_skip_at_all_is_said_with_what_came_near():
    a, b = skip.fork(randn(3))
    with pytest.raises(mg.OperationError, match=r"no skip connection.*residual_add.*\n.*Fork#\d+: its ways"):
        pairs_of((a * b).sum()).some()


def test_many_joins_are_paired_in_time_that_grows_with_their_number():
    """A recurrent net's additions, 300 steps long, are searched each for itself, and not back to the start."""
    x = randn(1, 2)
    h = x
    for _ in range(300):
        h = h + (h * 0.1).tanh()
    assert len(pairs_of(h.sum()).found) == 300


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("layer1", ["layer1.0", "layer1.1"]),
        ("layer?.0", ["layer1.0", "layer2.0"]),
        ("layer2.1", ["layer2.1"]),
        (-1, ["layer2.1"]),
        (["layer2.0", 0], ["layer1.0", "layer2.0"]),
        (None, ["layer1.0", "layer1.1", "layer2.0", "layer2.1"]),
    ],
)
def test_choosing_blocks(resnet, blocks, expected):
    assert inspect.path_lengths(resnet[0], resnet[1], blocks=blocks).blocks == expected


def test_unknown_blocks_are_answered_with_the_nearest_names(resnet):
    with pytest.raises(inspect.UnknownNameError, match=r"no block 'layer1.7'. The nearest: 'layer1.\d'"):
        inspect.path_lengths(resnet[0], resnet[1], blocks="layer1.7")
    with pytest.raises(inspect.UnknownNameError, match="number 9: there are 4"):
        inspect.path_lengths(resnet[0], resnet[1], blocks=9)


def test_graph_errors():
    with pytest.raises(mg.OperationError, match="has no graph"):
        inspect.Graph(mg.ones(2))
    with pytest.raises(TypeError, match="takes a tensor"):
        inspect.Graph(3.0)
    x = randn(3)
    loss = F.relu(x).sum()
    loss.backward()
    with pytest.raises(mg.OperationError, match="freed by an earlier backward"):
        inspect.Graph(loss)


@pytest.mark.parametrize("leaf", [True, False])
def test_a_second_meeting_further_down_is_found(leaf):
    c = randn(3) if leaf else randn(3).exp()
    one, two = c.sin(), c.tanh()
    h = randn(3).exp()
    found = pairs_of((h.tanh() * one + h.sin() * two).sum())
    assert not found.found
    assert "meet at two values" in reasons(found)


def test_separate_values_further_down_are_no_second_meeting():
    one, two = randn(3).sin(), randn(3).tanh()
    h = nn.Linear(3, 3).double()(randn(3))
    s, b = skip.fork(h)
    found = pairs_of(skip.residual_add(s.tanh() * one, b.sin() * two).sum())
    assert len(found.found) == 1


def test_a_gated_cell_is_no_skip_from_its_gates():
    """An LSTM's c' = f c + i g: the gates come from one value, but the cell's c flows in around it."""
    gates = [nn.Linear(3, 3).double() for _ in range(3)]
    h, c = randn(1, 3), randn(1, 3)
    for _ in range(2):
        i, f, g = (gate(h) for gate in gates)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = c.tanh()
    found = pairs_of(h.sum())
    assert len(found.found) == 1  # the first step, in which c is a leaf
    assert "flows in around it" in reasons(found)


def test_descriptions():
    x = randn(3)
    (pair,) = pairs_of((x + x.tanh()).sum()).found
    assert repr(pair).startswith("<Pair 'block0': an implicit fork to Add#")
    a, b = skip.fork(x)
    (pair,) = pairs_of(skip.residual_add(a, b.tanh()).sum()).found
    assert repr(pair).startswith("<Pair 'block0': Fork#")


def test_values_are_described_by_name_slot_and_module():
    x, w = randn(2, 2), randn(2, 2)
    x.name = "data"
    assert "the leaf 'data'" in reasons(pairs_of(((x @ w).tanh() + (x @ w).sin()).sum()))
    a, b = x.exp().split(1), x.exp().split(1)
    found = pairs_of((a[0] * b[1].sin() + a[0].sin() * b[1]).sum())
    assert "output 1 of Split#" in reasons(found)


def test_a_sum_that_repeats_one_of_its_inputs_is_listed_and_a_bias_is_not():
    x = randn(4, 1)
    layer = nn.Linear(1, 3).double()
    bias = nn.Parameter(mg.zeros(3, dtype=mg.float64))
    (found,) = [inspect.find_pairs(inspect.Graph((x + (layer(x) + bias) + (bias * 2)).sum()))]
    assert not found.found
    assert [u.reason for u in found.unpaired] == ["it adds (4, 1) and (4, 3): one is repeated, as skips are not"]
