"""What holds for the rules of all operations, besides their values."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F


def nodes_above(tensor, seen=None):
    seen = {} if seen is None else seen
    if tensor.node is not None and tensor.node.index not in seen:
        seen[tensor.node.index] = tensor.node
        for x in tensor.node.inputs:
            if isinstance(x, mg.Tensor):
                nodes_above(x, seen)
    return seen


@pytest.mark.parametrize("function", [F.elu, F.gelu, F.softplus, lambda x: x.tril(), lambda x: x.flip(0).cumsum(1)])
def test_a_rules_nodes_name_the_line_that_ran_the_pass(function):
    x = mg.tensor(np.random.default_rng(0).normal(size=(3, 3)), requires_grad=True)
    y = function(x)
    last = max(nodes_above(y))
    cotangent = mg.tensor(np.random.default_rng(1).normal(size=(3, 3)), requires_grad=True)
    (gx,) = mg.grad(y, x, cotangent, create_graph=True)  # this line made the graph of the gradient
    made = [node for index, node in nodes_above(gx).items() if index > last]
    assert made
    for node in made:
        assert "this line made the graph" in node.source.text, node


def test_a_rule_that_is_called_names_the_line_that_calls_it():
    x = mg.tensor([[0.5, -1.0]], requires_grad=True)
    node = x.exp().tanh().tril().node.as_tensors()
    gx = node.backward(mg.ones(1, 2, requires_grad=True))  # this line calls the rule
    assert "this line calls the rule" in gx.node.source.text
