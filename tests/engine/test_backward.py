"""The pass itself, on nodes so small that the right answer is plain."""

from __future__ import annotations

import re
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine import Node, OperationError, TensorBase, backward_steps


class Double(Node):
    def forward(self, x):
        return 2 * x

    def backward(self, gy):
        return 2 * gy


class Plus(Node):
    def forward(self, a, b):
        return a + b

    def backward(self, gy):
        return gy, gy


class Two(Node):
    """Two outputs: x and 3 x."""

    def forward(self, x):
        return x, 3 * x

    def backward(self, g0, g1):
        self.seen = g0, g1
        return g0 + 3 * g1


class Broken(Node):
    def forward(self, x):
        return x

    def backward(self, gy):
        raise ZeroDivisionError("on purpose")


class Silent(Node):
    def forward(self, x):
        return x

    def backward(self, gy):
        return None


class WrongShape(Node):
    def forward(self, x):
        return x

    def backward(self, gy):
        return np.zeros(gy.size + 1)


def double(x):
    return Double()(x)


def plus(a, b):
    return Plus()(a, b)


def leaf(value=1.0):
    return mg.tensor(value, dtype=mg.float64, requires_grad=True)


def test_chain():
    x = leaf()
    double(double(double(x))).backward()
    assert x.grad.item() == 8


def test_diamond():
    x = leaf()
    a = double(x)
    plus(double(a), a).backward()
    assert x.grad.item() == 6


def test_b_is_a_plus_a_and_c_is_b_plus_b():
    a = leaf()
    b = plus(a, a)
    plus(b, b).backward()
    assert a.grad.item() == 4


def test_two_stacked_residual_blocks():
    x = leaf()
    h = plus(x, double(x))
    plus(h, double(h)).backward()
    assert x.grad.item() == 9


def test_a_wide_diamond_is_visited_once_a_node():
    x = leaf()
    h = x
    for _ in range(40):
        h = plus(h, h)
    steps = list(backward_steps(h))
    assert len(steps) == 40
    assert x.grad.item() == 2.0**40


def test_the_order_is_that_of_creation_reversed():
    x = leaf()
    a = double(x)
    b = double(x)
    c = plus(b, a)
    d = plus(c, a)
    assert [step.node for step in backward_steps(d)] == [d.node, c.node, b.node, a.node]


def test_an_output_that_nothing_used_gets_zeros():
    x = leaf([1.0, 2.0])
    first, second = Two()(x)
    second.backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [3.0, 30.0]
    x.grad = None
    y = Two()(x)
    y[0].backward(np.array([1.0, 1.0]), retain_graph=True)
    assert y[0].node.seen[1].tolist() == [0.0, 0.0]


def test_both_slots_reach_the_rule():
    x = leaf()
    a, b = Two()(x)
    plus(double(b), a).backward()
    assert x.grad.item() == 7


def test_a_leaf_as_root():
    x = leaf()
    x.backward()
    x.backward()
    assert x.grad.item() == 2


def test_100_000_nodes_deep():
    x = leaf()
    h = x
    for _ in range(100_000):
        h = plus(h, 1.0)
    h.backward()
    assert x.grad.item() == 1
    del h


def test_a_deep_graph_that_is_never_run_can_be_dropped():
    h = leaf()
    for _ in range(100_000):
        h = plus(h, 1.0)
    del h


def test_a_pass_frees_what_the_nodes_kept_whoever_holds_them():
    x = leaf(3.0)
    y = x * x
    by_name, by_tensor = y.node, y * y
    loss = Double()(by_tensor)
    alone = weakref.ref(loss.node)
    del y
    loss = loss.sum()
    loss.backward()
    assert x.grad.item() == 2 * 4 * 27
    for node in (by_name, by_tensor.node, loss.node):
        assert node.released
        assert vars(node) == {}
    assert alone() is None


def test_backward_twice_says_what_to_do():
    x = leaf()
    y = double(double(x))
    y.backward()
    with pytest.raises(OperationError, match=r"freed by an earlier backward.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 4


def test_backward_twice_with_retain_graph_accumulates_in_leaves_only():
    x = leaf()
    h = double(x)
    y = double(h)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8
    assert h.grad.item() == 2  # the last pass's: a pass can't add to another's interior


def test_retain_grad_accumulates_as_in_pytorch():
    x = leaf()
    h = double(x)
    h.retain_grad()
    y = double(h)
    y.backward(retain_graph=True)
    y.backward()
    assert h.grad.item() == 4


def test_part_of_a_freed_graph_is_named():
    x = leaf()
    h = double(x)
    double(h).backward()
    with pytest.raises(OperationError, match=rf"freed.*Double#{h.node.index}"):
        plus(h, h).backward()


def test_no_aliasing_between_leaves():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    plus(a, b).backward(np.ones(2))
    a.grad.array[0] = 99
    assert b.grad.tolist() == [1, 1]


def test_no_aliasing_with_an_interior_gradient_or_the_seed():
    a = leaf([1.0, 2.0])
    h = plus(a, a)
    seed = np.ones(2)
    y = plus(h, np.zeros(2))
    y.backward(seed)
    h.grad.array[0] = 99
    a.grad.array[1] = 77
    assert seed.tolist() == [1, 1]
    assert y.grad.tolist() == [1, 1]


def test_an_exception_in_a_rule_names_the_node_and_the_line():
    x = leaf()
    y = Broken()(x)  # the line that made it
    with pytest.raises(ZeroDivisionError):
        y.backward()
    z = WrongShape()(x)  # the line of the wrong shape
    with pytest.raises(OperationError) as caught:
        z.backward()
    message = str(caught.value)
    assert re.search(r"WrongShape#\d+", message)
    assert "the line of the wrong shape" in message


def test_a_non_scalar_needs_a_gradient():
    x = leaf([1.0, 2.0])
    with pytest.raises(OperationError, match=r"non-scalar.*\(2,\).*mean\(\)"):
        double(x).backward()
    with pytest.raises(OperationError, match=r"shape \(3,\)"):
        double(x).backward(np.ones(3))


def test_no_gradient_path():
    with pytest.raises(OperationError, match="no gradient path"):
        double(mg.ones(())).backward()
    with mg.no_grad():
        y = double(leaf())
    with pytest.raises(OperationError, match="no gradient path"):
        y.backward()


def test_steps_show_read_only_arrays():
    x = leaf([1.0, 2.0])
    (step,) = backward_steps(double(x), np.ones(2))
    assert isinstance(step.node, Double)
    assert step.grad_outputs[0].tolist() == [1, 1]
    assert step.grad_inputs[0].tolist() == [2, 2]
    with pytest.raises(ValueError, match="read-only"):
        step.grad_inputs[0][0] = 5
    node, outs, ins = step
    assert node is step.node
    assert outs[0] is not None
    assert ins[0] is not None


def test_while_a_step_is_shown_the_node_still_knows_what_it_kept():
    x = leaf([3.0])
    y = x * x
    steps = backward_steps(y, np.ones(1))
    step = next(steps)
    assert step.node.a.tolist() == [3.0]
    list(steps)
    assert "a" not in vars(step.node)


def test_a_leafs_gradient_grows_with_each_use():
    x = leaf()
    y = plus(double(x), x)
    seen = []
    for step in backward_steps(y):
        seen.append((type(step.node).__name__, x.grad.item()))
    assert seen == [("Plus", 1), ("Double", 3)]


def test_grad_leaves_grad_alone_and_knows_interior_tensors():
    x = leaf(3.0)
    h = double(x)
    y = plus(double(h), x)
    gx, gh = mg.grad(y, [x, h])
    assert (gx.item(), gh.item()) == (5, 2)
    assert x.grad is None
    assert h.grad is None


def test_grad_of_an_unused_input():
    x, z = leaf(), leaf()
    with pytest.raises(OperationError, match="don't depend on input 1"):
        mg.grad(double(x), [x, z])
    assert mg.grad(double(x), [x, z], allow_unused=True)[1] is None


def test_grad_of_several_outputs():
    x = leaf()
    (g,) = mg.grad([double(x), plus(x, x)], x)
    assert g.item() == 4


def test_higher_derivatives():
    x = leaf(2.0)
    derivatives = [x**4]
    for _ in range(4):
        derivatives += mg.grad(derivatives[-1], x, create_graph=True)
    assert [d.item() for d in derivatives] == [16, 32, 48, 48, 24]


def test_create_graph_accumulates_a_gradient_that_has_a_graph():
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    assert x.grad.item() == 27
    assert x.grad.requires_grad


def test_hooks_see_the_complete_gradient_and_may_replace_it():
    x = leaf()
    h = double(x)
    seen = []
    handle = h.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    plus(double(h), h).backward()
    assert seen == [3.0]
    assert x.grad.item() == 60
    handle.remove()
    handle.remove()
    x.grad = None
    h = double(x)
    double(h).backward()
    assert seen == [3.0]


def test_a_hook_of_a_leaf_runs_as_soon_as_its_gradient_is_complete():
    v, w = leaf(), leaf()
    first = double(v)
    y = plus(plus(first, w), w)
    events = []
    for name, tensor in (("w", w), ("first", first), ("v", v)):
        tensor.register_hook(lambda g, name=name: events.append((name, g.item())))
    y.backward()
    assert events == [("w", 2.0), ("first", 1.0), ("v", 2.0)]
    assert (w.grad.item(), v.grad.item()) == (2, 2)


def test_a_use_that_no_gradient_comes_from_is_not_waited_for():
    x = leaf()
    z = Silent()(double(x))
    y = plus(z, x)
    assert mg.grad(y, x, retain_graph=True)[0].item() == 1
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    y.backward()
    assert (seen, x.grad.item()) == ([1.0], 1)


def random_graph(seed):
    """Three leaves, and a sum over values that are computed of them by 15 nodes."""
    rng = np.random.default_rng(seed)
    leaves = [leaf(rng.standard_normal(3)) for _ in range(3)]
    values = list(leaves)
    for kind in rng.integers(0, 4, 15):
        a, b = (values[i] for i in rng.integers(0, len(values), 2))
        values += Two()(a) if kind == 0 else [plus(a, b) if kind == 1 else mg.tanh(a) if kind == 2 else a * b]
    return leaves, plus(values[-1], values[-2]).sum()


def watched(leaves, loss):
    for x in leaves:
        x.register_hook(lambda g: None)
    loss.backward()


@pytest.mark.parametrize("seed", range(20))
def test_leaves_get_the_same_gradients_whoever_looks(seed):
    plain, loss = random_graph(seed)
    loss.backward()
    runs = {"steps": lambda _, loss: list(backward_steps(loss)), "hooks": watched}
    for name, run in runs.items():
        leaves, loss = random_graph(seed)
        run(leaves, loss)
        for x, y in zip(plain, leaves, strict=True):
            assert (x.grad is None) == (y.grad is None), name
            if x.grad is not None:
                np.testing.assert_allclose(y.grad.numpy(), x.grad.numpy(), rtol=1e-12, err_msg=name)


def test_a_base_tensor_is_enough_for_the_engine():
    assert issubclass(mg.Tensor, TensorBase)


def test_interior_tensors_that_are_held_get_their_gradient():
    x = leaf([1.0, 2.0])
    h = x * 3
    (h * h).sum().backward()
    assert h.grad.tolist() == [6.0, 12.0]


def test_numbers_without_dimensions_are_arrays_everywhere():
    x = leaf(3.0)
    h = x * x
    seen = []
    h.register_hook(lambda g: seen.append(g.array))
    steps = list(backward_steps(h * 2.0, retain_graph=True))
    arrays = [steps[0].grad_inputs[0], steps[1].grad_outputs[0], h.grad.array, x.grad.array, seen[0]]
    arrays.append(mg.grad(h, x)[0].array)
    assert all(isinstance(a, np.ndarray) and a.shape == () for a in arrays)
    assert x.grad.item() == 12
