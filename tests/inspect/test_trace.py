"""A trace is a backward pass, kept: every step, by name, in a file, and beside another one."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import re
from types import CodeType, FunctionType, ModuleType

import numpy as np
import pytest
from inspect_nets import ResNet, randn

import minigrad as mg
from minigrad import inspect, nn, skip
from minigrad.inspect import measure


def test_a_trace_runs_backward(resnet):
    loss, x, net = resnet
    loss.backward(retain_graph=True)
    expected = [p.grad.array.copy() for p in net.parameters()]
    net.zero_grad()
    x.grad = None
    trace = inspect.trace(loss)
    for parameter, gradient in zip(net.parameters(), expected, strict=True):
        np.testing.assert_array_equal(parameter.grad.array, gradient)
    with pytest.raises(mg.OperationError, match="freed"):
        loss.backward()
    assert trace[0].kind == "Sum"
    assert trace[-1].module == "conv1"


def test_every_step_is_that_of_the_engine(mixed):
    loss, _, _ = mixed
    steps = list(mg.backward_steps(loss, retain_graph=True))
    trace = inspect.trace(loss, retain_graph=True)
    assert len(trace) == len(steps)
    for kept, step in zip(trace, steps, strict=True):
        assert kept.node is step.node
        for ours, theirs in zip(kept.grad_outputs, step.grad_outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert np.isclose(kept.norm, np.sqrt(sum((g**2).sum() for g in step.grad_outputs)), rtol=1e-14)
        for ours, theirs, wanted in zip(kept.grad_inputs, step.grad_inputs, step.node.wants, strict=True):
            if wanted:
                np.testing.assert_array_equal(ours, theirs)
                assert not ours.flags.writeable


def test_steps_know_their_module_and_line(mixed):
    step = inspect.trace(mixed[0]).select(kind="Tanh")[0]
    assert step.module == "0.branch.1"
    assert step.name.startswith("Tanh#")
    assert "conftest.py" in str(step.source)
    assert "Tanh" in repr(step)


def test_selecting(resnet):
    trace = inspect.trace(resnet[0])
    assert dict.fromkeys(step.kind for step in trace.select(kind="Conv*")) == {"Conv2d": None}
    assert len(trace.select(kind=type(trace.select(kind="Conv2d")[0].node))) == len(trace.select(kind="Conv2d"))
    inside = trace.select(module="layer1")
    assert {step.module.split(".")[0] for step in inside} == {"layer1"}
    assert [row.name for row in inside.ledger()] == ["layer1.0", "layer1.1"]
    assert all(row.name.startswith("layer1") for row in inside.layers())
    both = trace.select(module="layer?.0", kind="ReLU")
    assert [step.module for step in both] == ["layer2.0.relu"] * 2 + ["layer1.0.relu"] * 2
    first = trace[0]
    assert trace[first.name] is first
    assert trace[np.int64(0)] is first
    assert trace.select(name="Conv2d#*")[0].kind == "Conv2d"
    assert len(trace[2:5]) == 3


def test_selecting_what_does_not_exist(resnet):
    trace = inspect.trace(resnet[0])
    with pytest.raises(inspect.UnknownNameError, match="kind 'Conv3d'. The nearest: 'Conv2d'"):
        trace.select(kind="Conv3d")
    with pytest.raises(inspect.UnknownNameError, match=r"'layer1.0.conv9'. The nearest: 'layer1.0.conv"):
        trace.select(module="layer1.0.conv9")


def test_a_layer_is_no_kind_of_node(resnet):
    """``Conv2d`` is both, and a trace's table says which is in which column."""
    trace = inspect.trace(resnet[0])
    with pytest.raises(TypeError, match=r"minigrad.nn.conv.Conv2d is none. .*kind='Conv2d', or a layer's path"):
        trace.select(kind=nn.Conv2d)
    head, _, *rows = str(trace).splitlines()
    assert head.split()[:2] == ["node", "module"]
    assert any(re.match(r"Conv2d#\d+ +layer2.1.conv2 ", row) for row in rows)


def test_norms_only(resnet):
    loss = resnet[0]
    whole = inspect.trace(loss, retain_graph=True)
    brief = inspect.trace(loss, keep="norms")
    assert [step.norms_out for step in whole] == [step.norms_out for step in brief]
    assert [step.norms_in for step in whole] == [step.norms_in for step in brief]
    assert [leaf.norm for leaf in whole.leaves] == [leaf.norm for leaf in brief.leaves]
    assert all(leaf.gradient is None for leaf in brief.leaves)
    with pytest.raises(mg.OperationError, match="keep='all'"):
        brief[0].grad_outputs  # noqa: B018
    with pytest.raises(ValueError, match="'all' or 'norms'"):
        inspect.trace(loss, keep="some")


def test_norms_only_keeps_no_arrays(resnet):
    trace = inspect.trace(resnet[0], keep="norms")
    assert not any(step.kept for step in trace)
    assert all(isinstance(step.node, inspect.SavedNode) for step in trace)


def test_norms_only_keeps_a_few_numbers_a_node(resnet):
    trace = inspect.trace(resnet[0], keep="norms")
    trace.ledger()
    seen, todo = {}, [trace]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, (type, ModuleType, FunctionType, CodeType, mg.Tensor)):
            continue  # a leaf is the user's own
        seen[id(thing)] = thing
        todo += gc.get_referents(thing)
    assert not any(isinstance(thing, np.ndarray) for thing in seen.values())
    assert len([thing for thing in seen.values() if isinstance(thing, float)]) < 10 * len(trace.nodes)


def test_no_gradient_is_measured_twice(monkeypatch):
    """What `trace` costs beyond `backward()` is a norm for each gradient; an addition hands on one array."""
    net = nn.Sequential(*(nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Tanh())) for _ in range(4)))
    loss = net(mg.ones(2, 3, requires_grad=True)).square().sum()
    measured = []
    norm = measure.norm
    monkeypatch.setattr(measure, "norm", lambda g: (measured.append(g), norm(g))[1])
    trace = inspect.trace(loss, keep="norms")
    sent = sum(size is not None for step in trace for size in step.norms_in)
    assert len(measured) == 1 + sent - 2 * 4  # the loss's own, and all that is sent but by joins
    assert len(dict.fromkeys(map(id, measured))) == len(measured)


def test_a_trace_is_quiet_about_what_is_not_finite(recwarn):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    s, b = skip.fork(x)
    trace = inspect.trace(skip.residual_add(s, b * 1.0), np.array([np.inf, np.nan]))
    assert "not finite" in trace.ledger()[0].sentence()
    s, b = skip.fork(x)
    row = inspect.trace(skip.residual_add(s, b * 0.0), np.zeros(2)).ledger()[0]
    assert (row.cosine, row.skip_share, row.norm_in) == (None, None, 0)
    assert "is zero" in row.sentence()
    assert not recwarn.list


@pytest.mark.parametrize("factor", [np.inf, np.nan, 1e38, 1e-38])
@pytest.mark.filterwarnings("error")
def test_no_tool_warns_about_what_is_not_finite(factor, capsys):
    x = mg.randn(2, 3, requires_grad=True)
    with np.errstate(all="ignore"):
        h = x * 1.0
        h = h + nn.Linear(3, 3)(h) * factor
        s, b = skip.fork(h)
        loss = (skip.residual_add(s, b * -factor) * 0.0).sum()
    str(inspect.trace(loss, retain_graph=True).ledger())
    str(inspect.path_lengths(loss, x))
    str(inspect.what_if(loss, inspect.cut("skip")))
    inspect.outline(loss)
    inspect.step(loss, commands=["why", "ledger", "n"] * 9 + ["b not_finite()", "back 9", "c", "q"])
    assert "The pass is over" in capsys.readouterr().out


def test_leaves_have_this_passes_gradient(mixed):
    loss, x, net = mixed
    loss.backward(retain_graph=True)
    trace = inspect.trace(loss)
    (leaf,) = [leaf for leaf in trace.leaves if leaf.leaf is x]
    np.testing.assert_allclose(leaf.gradient, x.grad.array / 2, rtol=1e-15)
    assert not leaf.learnt
    assert sum(leaf.learnt for leaf in trace.leaves) == len(list(net.parameters()))


@pytest.mark.parametrize("keep", ["all", "norms"])
def test_saving_and_loading(mixed, tmp_path, keep):
    trace = inspect.trace(mixed[0], keep=keep)
    trace.save(tmp_path / "a.trace")
    loaded = inspect.load(tmp_path / "a.trace")
    assert str(loaded) == str(trace)
    assert str(loaded.ledger()) == str(trace.ledger())
    assert str(loaded.layers()) == str(trace.layers())
    assert inspect.diff(trace, loaded).same
    assert loaded.keep == keep
    assert [str(step.source) for step in loaded] == [str(step.source) for step in trace]
    assert "saved" in repr(loaded[0].node)
    if keep == "all":
        for ours, theirs in zip(loaded, trace, strict=True):
            for a, b in zip(ours.grad_inputs, theirs.grad_inputs, strict=True):
                np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(loaded.ledger()[0].g_skip, trace.ledger()[0].g_skip)
        assert not loaded.ledger()[0].g_skip.flags.writeable
    loaded.save(tmp_path / "b.trace")
    assert inspect.diff(inspect.load(tmp_path / "b.trace"), loaded).same


@pytest.mark.parametrize("copied", [lambda trace: pickle.loads(pickle.dumps(trace)), copy.deepcopy])
def test_a_pickled_trace_is_as_a_saved_one(mixed, copied):
    trace = inspect.trace(mixed[0])
    other = copied(trace)
    assert (str(other), str(other.ledger()), str(other.layers())) == (
        str(trace),
        str(trace.ledger()),
        str(trace.layers()),
    )
    assert inspect.diff(trace, other).same


def test_loading_what_is_no_trace(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(2))
    (tmp_path / "a.txt").write_text("a text")
    for name in ("a.npz", "a.txt"):
        with pytest.raises(ValueError, match=f"{name} holds no trace: save one"):
            inspect.load(tmp_path / name)


def test_loading_a_trace_of_a_newer_version(mixed, tmp_path, monkeypatch):
    from minigrad.inspect.tracing import trace_file

    monkeypatch.setattr(trace_file, "VERSION", 99)
    inspect.trace(mixed[0]).save(tmp_path / "a.trace")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer minigrad"):
        inspect.load(tmp_path / "a.trace")


def test_leaves_are_called_by_their_own_name_or_where_they_are_read():
    x, y, z = randn(2), randn(2), randn(2)
    x.name = "data"
    trace = inspect.trace((x * y + mg.cat([z])).sum())
    assert [leaf.name for leaf in trace.leaves] == ["data", "b", "input0"]


def test_diff_of_two_seeds():
    x = mg.ones(2, 2, 6, 6, dtype=mg.float64)
    traces = [inspect.trace(ResNet().double()(x).square().sum()) for _ in range(2)]
    difference = traces[0].diff(traces[1])
    assert len(difference) == len(traces[0])
    assert not difference.same
    row = next(iter(difference))
    assert row.kind == "Sum"
    assert row.ratio == 1
    assert difference[-1].distance > 0
    assert -1 <= difference[-1].cosine <= 1
    assert difference.to_dict()[0]["module"] == ""
    assert "|difference|" in str(difference)


def test_diff_of_two_models():
    x = mg.ones(1, 2)
    small = inspect.trace(nn.Sequential(nn.Linear(2, 2), nn.Tanh())(x).sum())
    large = inspect.trace(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))(x).sum())
    difference = small.diff(large)
    assert [row.name for row in difference] == ["Sum", "1 Tanh", "0 Linear"]
    assert difference[2].distance is None
    assert len(difference.only_b) == 1
    assert "Only in the second: 1 (Linear#" in str(difference)


def test_a_long_trace_prints_its_ends(resnet):
    text = str(inspect.trace(resnet[0]))
    assert "more" in text
    assert len(text.splitlines()) < 40


def test_nodes_without_a_gradient_are_counted():
    class Stop(mg.Node):
        def forward(self, x):
            return x + 0

        def backward(self, gy):
            return None

    x = randn(2)
    trace = inspect.trace((Stop()(x.tanh()) + x).sum())
    assert "1 of 4 nodes got no gradient" in str(trace)


def test_a_gradient_for_a_loss_that_is_no_scalar():
    x = randn(3)
    y = x.tanh()
    with pytest.raises(mg.OperationError, match="non-scalar"):
        inspect.trace(y)
    assert inspect.trace(y, np.ones(3))[0].norm == np.sqrt(3)


def test_underflow_and_nan_are_marked():
    x = mg.ones(2, requires_grad=True)
    trace = inspect.trace(x * 1e-20, np.array([1e-20, 0], dtype=np.float32))
    assert "underflow" not in str(trace)
    trace = inspect.trace(skip.fork(x)[0] * 1e-20 * 1e-20, np.array([1, 1], dtype=np.float32))
    assert "underflow" in str(trace)
    trace = inspect.trace(x * 1.0, np.array([np.nan, 1], dtype=np.float32))
    assert "NaN" in str(trace)


def test_a_save_that_fails_leaves_the_old_file(resnet, tmp_path, monkeypatch):
    path = tmp_path / "a.trace"
    trace = inspect.trace(resnet[0])
    trace.save(path)
    before = path.read_bytes()

    def full(*paths):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        trace.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.trace"]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("how", ["cut off", "overwritten"])
def test_a_damaged_file_is_a_value_error(resnet, tmp_path, part, how):
    path = tmp_path / "a.trace"
    inspect.trace(resnet[0]).save(path)
    content = bytearray(path.read_bytes())
    place = int(part * len(content))
    content[place:] = b"" if how == "cut off" else content[place:].replace(b"a", b"b").replace(b"n", b"x")
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged|no trace"):
        inspect.load(path)
