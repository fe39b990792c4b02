"""A leaf without a gradient takes over the array that a rule made, and only if nobody else can see it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine import Node, backward_steps


class Rule(Node):
    """Adds its inputs up; its backward is the function it was made with, which is given the node and ``gy``."""

    def __init__(self, rule):
        self.rule = rule

    def forward(self, *inputs):
        return sum(inputs)

    def backward(self, gy):
        return self.rule(self, gy)


def leaf(n=3):
    return mg.tensor(np.arange(1.0, n + 1), requires_grad=True)


def apply(rule, *inputs):
    return Rule(rule)(*inputs)


def double(x):
    return apply(lambda node, gy: 2 * gy, x)


def shared(*arrays):
    """Whether any two share memory."""
    return any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def test_what_nobody_else_holds_is_taken_over():
    """The feature itself: the address of the array that the rule made is that of the gradient."""
    x = leaf()
    made = []

    def rule(node, gy):
        gradient = 2 * gy
        made.append(gradient.ctypes.data)
        return gradient

    apply(rule, x).backward(np.ones(3))
    assert x.grad.data_ptr() == made[0]


@pytest.mark.parametrize("retain_graph", [False, True])
def test_an_array_that_the_rule_keeps(retain_graph):
    x, kept = leaf(), []

    def rule(node, gy):
        node.made = 2 * gy
        kept.append(node)
        return node.made

    y = apply(rule, x)
    y.backward(np.ones(3), retain_graph=retain_graph)
    before = vars(kept[0]).get("made")
    x.grad.array[0] = 99
    assert (before is not None) == retain_graph
    if retain_graph:
        assert before.tolist() == [2, 2, 2]
        y.backward(np.ones(3))
        assert x.grad.tolist() == [101, 4, 4]


def test_a_workspace_that_the_rule_writes_to_again():
    a, b, work = leaf(), leaf(), np.empty(3)

    def rule(node, gy):
        return np.multiply(gy, node.factor, out=work)

    nodes = [Rule(rule), Rule(rule)]
    nodes[0].factor, nodes[1].factor = 2, 5
    (nodes[0](a) + nodes[1](b)).backward(np.ones(3))
    assert a.grad.tolist() == [2, 2, 2]
    assert b.grad.tolist() == [5, 5, 5]


def test_one_array_for_two_leaves_and_for_one_twice():
    a, b, c = leaf(), leaf(), leaf()
    apply(lambda node, gy: (2 * gy,) * 4, a, b, c, c).backward(np.ones(3))
    assert not shared(a.grad.array, b.grad.array, c.grad.array)
    a.grad.array[0] = 99
    assert (b.grad.tolist(), c.grad.tolist()) == ([2, 2, 2], [4, 4, 4])


@pytest.mark.parametrize("leaf_first", [False, True])
def test_one_array_for_a_leaf_and_an_interior_tensor(leaf_first):
    a, b = leaf(), leaf()
    h = double(b)
    inputs = (a, h) if leaf_first else (h, a)
    apply(lambda node, gy: (2 * gy,) * 2, *inputs).backward(np.ones(3), retain_graph=True)
    assert not shared(a.grad.array, b.grad.array, h.grad.array)
    a.grad.array[:] = 99
    assert (h.grad.tolist(), b.grad.tolist()) == ([2, 2, 2], [4, 4, 4])


def test_one_array_waits_for_two_leaves_that_later_get_none():
    """The last to send a gradient sends none: what waited is settled then."""
    a, b = leaf(), leaf()
    first = apply(lambda node, gy: (None, None), a, b)
    last = apply(lambda node, gy: (2 * gy,) * 2, a, b)
    (first + last).backward(np.ones(3))
    assert not shared(a.grad.array, b.grad.array)
    assert a.grad.tolist() == b.grad.tolist() == [2, 2, 2]


def test_its_own_gy():
    x, seed = leaf(), np.ones(3)
    y = apply(lambda node, gy: gy, x)
    h = apply(lambda node, gy: gy, double(x))
    z = y + h
    z.backward(seed)
    x.grad.array[:] = 99
    assert seed.tolist() == y.grad.tolist() == h.grad.tolist() == z.grad.tolist() == [1, 1, 1]
    w = leaf()
    apply(lambda node, gy: gy, w).backward(seed)
    w.grad.array[:] = 99
    assert seed.tolist() == [1, 1, 1]


@pytest.mark.parametrize("view", [np.ndarray.view, lambda a: a[::-1][::-1], lambda a: np.broadcast_to(a[0], 3)])
def test_a_view(view):
    x, base = leaf(), np.full(3, 2.0)
    apply(lambda node, gy: view(base), x).backward(np.ones(3))
    x.grad.array[0] = 99
    assert base.tolist() == [2, 2, 2]
    assert x.grad.tolist() == [99, 2, 2]


def test_an_array_of_which_the_rule_keeps_a_view():
    x, kept = leaf(), []

    def rule(node, gy):
        gradient = 2 * gy
        kept.append(gradient[1:])
        return gradient

    apply(rule, x).backward(np.ones(3))
    x.grad.array[:] = 99
    assert kept[0].tolist() == [2, 2]


def test_the_data_of_the_leaf_itself():
    x = leaf()
    apply(lambda node, gy: x.array, x).backward(np.ones(3))
    x.grad.array[0] = 99
    assert x.tolist() == [1, 2, 3]


def _frozen(gy):
    gradient = 2 * gy
    gradient.flags.writeable = False
    return gradient


@pytest.mark.parametrize("kept", [False, True])
def test_a_read_only_array(kept):
    x, held = leaf(), []

    def rule(node, gy):
        gradient = _frozen(gy)
        if kept:
            held.append(gradient)
        return gradient

    y = apply(rule, x)
    y.backward(np.ones(3), retain_graph=True)
    y.backward(np.ones(3))
    x.grad.array[0] = 99
    assert x.grad.tolist() == [99, 4, 4]


def test_a_numpy_scalar():
    x = mg.tensor(3.0, dtype=mg.float64, requires_grad=True)
    y = apply(lambda node, gy: np.float64(2) * gy, x)
    for n in (1, 2):
        y.backward(retain_graph=True)
        assert isinstance(x.grad.array, np.ndarray)
        assert x.grad.item() == 2 * n


def test_a_subclass_of_array_becomes_a_plain_one():
    x = leaf()
    apply(lambda node, gy: (2 * gy).view(np.recarray), x).backward(np.ones(3))
    assert type(x.grad.array) is np.ndarray


@pytest.mark.parametrize("change", [None, lambda g: g, lambda g: g.array])
def test_a_hook_that_keeps_the_gradient(change):
    x, kept = leaf(), []

    def hook(gradient):
        kept.append(gradient)
        return change and change(gradient)

    x.register_hook(hook)
    y = double(x)
    y.backward(np.ones(3), retain_graph=True)
    y.backward(np.ones(3))
    x.grad.array[0] = 99
    assert [g.tolist() for g in kept] == [[2, 2, 2], [2, 2, 2]]


def test_a_hook_on_an_interior_tensor_that_keeps_what_becomes_the_leafs():
    x, kept = leaf(), []
    h = apply(lambda node, gy: gy, x)
    h.register_hook(kept.append)
    double(h).backward(np.ones(3))
    x.grad.array[0] = 99
    assert kept[0].tolist() == h.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize("check", [mg.detect_anomaly, mg.detect_changes])
def test_under_a_check(check):
    a, b = leaf(), leaf()
    with check():
        y = apply(lambda node, gy: (2 * gy,) * 2, a, b)
        y.backward(np.ones(3), retain_graph=True)
        a.grad.array[0] = 99
        y.backward(np.ones(3))
    assert (a.grad.tolist(), b.grad.tolist()) == ([101, 4, 4], [4, 4, 4])


def test_steps_that_are_kept_do_not_follow_the_gradient():
    x = leaf()
    y = double(x)
    steps = list(backward_steps(y, np.ones(3), retain_graph=True))
    x.grad.array[0] = 99
    y.backward(np.ones(3))
    assert steps[0].grad_inputs[0].tolist() == [2, 2, 2]
    assert x.grad.tolist() == [101, 4, 4]


def test_a_step_of_which_only_the_array_is_kept():
    """The step and its node are gone when the leaf's gradient is changed."""
    x = leaf()
    seen = [step.grad_inputs[0] for step in backward_steps(double(double(x)), np.ones(3))]
    x.grad.array[:] = 99
    assert [g.tolist() for g in seen] == [[2, 2, 2], [4, 4, 4]]


def test_two_passes_add_up_and_the_first_ones_trace_stays():
    x = leaf()
    y = double(double(x)).sum()
    trace = mg.inspect.trace(y, retain_graph=True)
    entries = [g for step in trace.steps for g in (*step.grad_outputs, *step.grad_inputs)]
    before = [np.array(g) for g in entries]
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [8, 8, 8]
    y.backward()
    assert x.grad.tolist() == [12, 12, 12]
    for now, then in zip(entries, before, strict=True):
        assert np.array_equal(now, then)


def test_a_gradient_that_was_taken_away_is_left_alone_by_the_next_pass():
    x = leaf()
    y = double(x)
    y.backward(np.ones(3), retain_graph=True)
    first, x.grad = x.grad, None
    y.backward(10 * np.ones(3))
    assert (first.tolist(), x.grad.tolist()) == ([2, 2, 2], [20, 20, 20])


def test_results_of_grad_are_independent():
    a, b = leaf(), leaf()
    h = double(b)
    y = apply(lambda node, gy: (2 * gy,) * 2, a, h)
    found = [g.array for g in mg.grad(y, [a, h, b, a], np.ones(3), retain_graph=True)]
    again = [g.array for g in mg.grad(y, [a, h, b], np.ones(3))]
    assert not shared(found[0], found[1], found[2], *again)
    assert a.grad is b.grad is h.grad is None


def test_backward_into_given_inputs_is_independent_of_what_the_rule_keeps():
    x, kept = leaf(), []

    def rule(node, gy):
        kept.append(2 * gy)
        return kept[-1]

    apply(rule, x).backward(np.ones(3), inputs=[x])
    x.grad.array[0] = 99
    assert kept[0].tolist() == [2, 2, 2]


def test_create_graph_leaves_gradients_that_have_a_graph():
    a, b = leaf(), leaf()
    y = (a * b).sum()
    y.backward(create_graph=True)
    first = a.grad
    assert first.tolist() == b.tolist()
    y.backward()
    assert (first.tolist(), a.grad.tolist()) == ([1, 2, 3], [2, 4, 6])
    assert b.tolist() == [1, 2, 3]
    (second,) = mg.grad(first.sum(), b)
    assert second.tolist() == [1, 1, 1]


TRACED = """
import sys
def tracer(frame, event, argument):
    frame.f_locals  # as a debugger does
    return tracer
sys.settrace(tracer)
import minigrad as mg
sys.settrace(None)
import numpy as np
from minigrad.engine import Node
kept = []
class Keeps(Node):
    def forward(self, x):
        return x
    def backward(self, gy):
        kept.append(2 * gy)
        return kept[-1]
x = mg.ones(3, requires_grad=True)
Keeps()(x).backward(np.ones(3))
print(np.shares_memory(kept[0], x.grad.array))
"""


def test_imported_under_a_debugger(run_python):
    done = run_python(TRACED)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
