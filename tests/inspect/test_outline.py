"""The graph in outline: what is collapsed, which way an arrow is, and that looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

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
