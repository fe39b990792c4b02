"""The graph in outline: what is collapsed, which way an arrow is, and that looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from inspect_nets import BasicBlock, DeepResNet, DenseConvNet, DenseNet, OutOfPlaceBlock, Transformer, UNet

import minigrad as mg
from minigrad import inspect, nn


def net(blocks):
    branch = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(blocks)]
    return nn.Sequential(nn.Linear(3, 4), *(nn.Residual(b) for b in branch))


def test_forks_and_joins_stand_alone_and_the_skip_is_one_arrow():
    found = inspect.outline(net(1)(mg.randn(2, 3)).sum(), depth=2)
    labels = [box.label for box in found.boxes]
    assert labels == ["0", "1 Fork", "1.branch", "1 ResidualAdd", "Sum"]
    ways = {(labels[a.start], labels[a.end]): a.way for a in found.arrows}
    assert ways["1 Fork", "1 ResidualAdd"] == "skip"
    assert ways["1 Fork", "1.branch"] == ways["1.branch", "1 ResidualAdd"] == "branch"
    assert ways["1 ResidualAdd", "Sum"] == ""


def test_a_collapsed_block_keeps_its_shortcut_apart_from_its_branch():
    block = nn.Residual(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), shortcut=nn.Linear(4, 5), after=nn.ReLU())
    found = inspect.outline(nn.Sequential(block)(mg.randn(2, 4, requires_grad=True)).sum(), depth=1)
    labels = [box.label for box in found.boxes]
    assert sorted(labels) == ["0 Fork", "0 ResidualAdd", "0.after", "0.branch", "0.shortcut", "Sum"]
    assert [box.label for box in found.boxes if box.shortcut] == ["0.shortcut"]
    ways = {(labels[a.start], labels[a.end]): a.way for a in found.arrows}
    assert ways["0 Fork", "0.shortcut"] == ways["0.shortcut", "0 ResidualAdd"] == "skip"
    assert ways["0 Fork", "0.branch"] == ways["0.branch", "0 ResidualAdd"] == "branch"


def test_an_input_that_is_forked_has_a_box_and_its_skip_an_arrow():
    x = mg.randn(2, 4, requires_grad=True)
    found = inspect.outline((x + nn.Linear(4, 4)(x)).sum())
    assert [box.label for box in found.boxes] == ["input (2, 4)", "Linear", "Add", "Sum"]
    assert [(a.start, a.end, a.way) for a in found.arrows] == [
        (0, 1, "branch"),
        (0, 2, "skip"),
        (1, 2, "branch"),
        (2, 3, ""),
    ]


def test_a_stage_is_collapsed_whole():
    class Stages(nn.Module):
        def __init__(self):
            super().__init__()
            self.stage1, self.stage2 = net(2), net(2)

        def forward(self, x):
            return self.stage2(self.stage1(x)[:, :3])

    labels = [box.label for box in inspect.outline(Stages()(mg.randn(2, 3)).sum(), depth=1).boxes]
    assert labels == ["stage1", "Index", "stage2", "Sum"]


def test_the_arrows_norms_are_those_of_the_gradients():
    x = mg.tensor([3.0, 4.0], requires_grad=True)
    found = inspect.outline((x * 2 + 1).sum())
    assert [arrow.norm for arrow in found.arrows] == [pytest.approx(np.sqrt(2))] * 2


def test_looking_leaves_gradients_and_graph_alone():
    model = net(2)
    loss = model(mg.randn(2, 3)).sum()
    inspect.outline(loss)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_depth_is_chosen_so_that_few_boxes_are_left():
    loss = net(12)(mg.randn(2, 3)).sum()
    assert len(inspect.outline(loss, depth=3).boxes) > 40
    assert len(inspect.outline(loss).boxes) <= 40


def test_an_implicit_skip_is_one_too():
    x = mg.randn(2, 4, requires_grad=True)
    layer = nn.Linear(4, 4)
    found = inspect.outline((x * 1 + layer(x * 1)).sum())
    assert all(arrow.start < arrow.end for arrow in found.arrows)
    h = x * 1
    found = inspect.outline((h + layer(h)).sum())
    assert [arrow.way for arrow in found.arrows].count("skip") == 1


def test_graphvizs_language():
    text = inspect.outline(net(1)(mg.randn(2, 3)).sum()).dot()
    assert text.startswith("digraph {")
    assert 'label="1 Fork"' in text
    assert text.count("->") == len(inspect.outline(net(1)(mg.randn(2, 3)).sum()).arrows)


def test_a_freed_graph():
    loss = net(1)(mg.randn(2, 3)).sum()
    loss.backward()
    with pytest.raises(mg.OperationError, match="freed"):
        inspect.outline(loss)


def images():
    return mg.randn(2, 1, 8, 8)


NETS = {
    **{f"ResNet-{6 * n + 2}": lambda n=n: DeepResNet(n)(images()) for n in (3, 9, 18)},
    "out of place": lambda: DeepResNet(9, OutOfPlaceBlock)(images()),
    "DenseNet, a list in forward": lambda: DenseNet(12)(mg.randn(2, 2, requires_grad=True)),
    "DenseNet, layers that read a list": lambda: DenseConvNet(12)(images()),
    "U-Net": lambda: UNet()(images()),
    "GPT": lambda: Transformer(blocks=6)(mg.randint(5, (2, 3))),
}


@pytest.mark.parametrize("name", NETS)
def test_no_fork_is_away_from_its_join_and_no_two_boxes_have_one_label(name):
    loss = NETS[name]().square().mean()
    pairs = inspect.find_pairs(inspect.Graph(loss)).found
    found = inspect.outline(loss)
    assert len(found.boxes) <= 40
    labels = [box.label for box in found.boxes]
    assert len(dict.fromkeys(labels)) == len(labels)
    joins = {pair.join for pair in pairs}
    drawn = [box for box in found.boxes if box.joint]
    assert sum(box.times for box in drawn) == len(joins)  # each join is a box, or folded into one that is like it
    makers = {node: n for n, box in enumerate(found.boxes) for node in box.nodes}
    for number, box in enumerate(found.boxes):
        if not box.joint:
            continue
        assert len(box.nodes) == 1
        assert {"skip", "branch"} <= {arrow.way for arrow in found.arrows if arrow.end == number}
        for pair in pairs:
            if pair.join is box.nodes[0] and isinstance(pair.value, tuple) and pair.value[0] in makers:
                fork = makers[pair.value[0]]
                leading = {arrow.start: arrow.way for arrow in found.arrows if arrow.end == number}
                asides = [n for n in leading if found.boxes[n].shortcut]
                assert leading.get(fork) or any((a.start, a.end) == (fork, n) for n in asides for a in found.arrows)
    assert all(arrow.start < arrow.end for arrow in found.arrows)


@pytest.mark.parametrize("block", [BasicBlock, OutOfPlaceBlock], ids=["+=", "+"])
def test_the_blocks_of_a_stage_are_folded_and_the_first_is_drawn(block):
    found = inspect.outline(DeepResNet(9, block)(images()).sum())
    labels = [box.label for box in found.boxes]
    names = [label for label in labels if label.startswith("layer")]
    assert names == [
        "layer1.0 branch x 9", "layer1.0 Add", "layer1.0.relu",
        "layer2.0 branch", "layer2.0.downsample", "layer2.0 Add", "layer2.0.relu",
        "layer2.1 branch x 8", "layer2.1 Add", "layer2.1.relu",
        "layer3.0 branch", "layer3.0.downsample", "layer3.0 Add", "layer3.0.relu",
        "layer3.1 branch x 8", "layer3.1 Add", "layer3.1.relu",
    ]  # fmt: skip
    assert [(labels[start], times) for start, _, times in found.folds] == [
        (label, int(label.rpartition(" ")[2])) for label in names if " x " in label
    ]
    ways = {(labels[a.start], labels[a.end]): a.way for a in found.arrows}
    assert ways["layer1.0.relu", "layer2.0.downsample"] == ways["layer2.0.downsample", "layer2.0 Add"] == "skip"
    assert ways["layer2.0.relu", "layer2.1 Add"] == "skip"
    assert ways["layer2.0.relu", "layer2.1 branch x 8"] == ways["layer2.1 branch x 8", "layer2.1 Add"] == "branch"
    assert ways["layer2.1 Add", "layer2.1.relu"] == ""


def test_what_is_wired_differently_is_not_folded():
    found = inspect.outline(UNet()(images()).sum(), depth=None)
    assert found.folds == []
    skips = [(found.boxes[a.start].label, found.boxes[a.end].label) for a in found.arrows if a.way == "skip"]
    assert skips == [("enc2.2", "Cat"), ("enc1.2", "Cat:2")]


def test_a_depth_that_hides_a_join_hides_its_fork_too():
    found = inspect.outline(net(2)(mg.randn(2, 3)).sum(), depth=1)
    assert [box.label for box in found.boxes] == ["0", "1 Fork", "1.branch", "1 ResidualAdd", "2 Fork", "2.branch",
                                                  "2 ResidualAdd", "Sum"]  # fmt: skip
    deeper = nn.Sequential(net(2))
    assert [box.label for box in inspect.outline(deeper(mg.randn(2, 3)).sum(), depth=1).boxes] == ["0", "Sum"]
