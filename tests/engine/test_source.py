"""Every way to make a node leads back to the user's line."""

from __future__ import annotations

import _thread
import queue

import pytest

import minigrad as mg
from minigrad import nn


class Double(mg.Node):
    def forward(self, x):
        return 2 * x

    def backward(self, gy):
        return 2 * gy


WAYS = {
    "an operator": lambda x: x * 2.0,
    "a reflected operator": lambda x: 2.0 - x,
    "a method": lambda x: x.tanh(),
    "a function": lambda x: mg.tanh(x),
    "one node among several of a function": lambda x: nn.functional.linear(x, mg.ones(3), mg.ones(())),
    "several outputs": lambda x: mg.skip.fork(x)[1],
    "a layer": lambda x: nn.Linear(3, 2)(x),
    "a layer in a model": lambda x: nn.Sequential(nn.Linear(3, 2), nn.ReLU())(x),
    "a node of one's own": lambda x: Double()(x),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_users_line(way):
    y = WAYS[way](mg.ones(2, 3, requires_grad=True))
    assert y.node.source.filename == __file__
    assert y.node.source.text.startswith(f'"{way}": lambda x: ')


def test_without_a_user_on_the_stack():
    """The frames of a thread may all be the package's."""
    results = queue.Queue()
    tensor = mg.ones(2, 3, requires_grad=True)
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda module, args, y: results.put(y))
    _thread.start_new_thread(layer, (tensor,))
    node = results.get(timeout=60).node
    assert node.name.startswith("Linear#")
    assert node.source is None
