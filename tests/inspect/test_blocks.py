"""Blocks: a row each, the same for twins with and without skips, in layers, ledger, recorder and pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from inspect_nets import BasicBlock, DeepResNet, OutOfPlaceBlock, PlainBlock, Transformer, UNet
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import inspect, nn, plot


def trace_of(net, seed=0):
    mg.manual_seed(seed)
    return inspect.trace(net(mg.randn(2, 1, 8, 8)).square().mean())


@pytest.fixture(scope="module")
def twins():
    return {"plain": trace_of(DeepResNet(3, PlainBlock)), "residual": trace_of(DeepResNet(3))}


NAMES = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in range(3)]


def test_twins_have_the_same_rows(twins):
    for trace in twins.values():
        assert trace.layers(level="blocks").names == NAMES
    assert twins["plain"].layers(level="blocks", like=twins["residual"]).names == NAMES


def test_a_row_is_what_the_block_hands_on_and_all_its_parameters(twins):
    for trace in twins.values():
        for row in trace.layers(level="blocks"):
            assert row.kind.startswith("ReLU")  # after the join, as the block's forward ends
            assert row.norm == trace[row.kind].norm
            inside = [r for r in trace.layers() if r.name.startswith(row.name + ".")]
            squares = [n**2 for r in inside for n in r.params.values()]
            assert row.param_norm == pytest.approx(math.sqrt(sum(squares)))


def test_a_blocks_norm_is_that_of_the_gradient_of_its_output():
    mg.manual_seed(1)
    net = DeepResNet(2, OutOfPlaceBlock)
    outputs = {}
    for name, module in net.named_modules():
        if isinstance(module, BasicBlock):
            module.register_forward_hook(lambda m, x, y, name=name: outputs.setdefault(name, y).retain_grad())
    trace = inspect.trace(net(mg.randn(2, 1, 8, 8)).square().mean())
    rows = trace.layers(level="blocks")
    assert rows.names == list(outputs)
    for row in rows:
        assert row.norm == pytest.approx(float(np.linalg.norm(outputs[row.name].grad.array)), rel=1e-5)


def test_attention_and_mlp_are_blocks_of_their_own():
    trace = inspect.trace(Transformer()(mg.randint(5, (2, 3))).square().mean())
    assert trace.layers(level="blocks").names == ["h.0.attn", "h.0.mlp", "h.1.attn", "h.1.mlp"]
    assert [row.name for row in trace.ledger(level="blocks")] == ["h.0.attn", "h.0.mlp", "h.1.attn", "h.1.mlp"]


def test_long_skips_make_no_blocks():
    trace = trace_of(UNet())
    assert len(trace.ledger()) == 2
    assert len(trace.ledger(level="blocks")) == 0
    with pytest.raises(mg.OperationError, match="no blocks"):
        trace.layers(level="blocks")


def test_a_row_a_parameter(twins):
    rows = twins["residual"].layers(level="parameters")
    found = {leaf.name: leaf.norm for leaf in twins["residual"].leaves if leaf.learnt}
    assert dict(zip(rows.names, rows.norms, strict=True)) == found
    with pytest.raises(KeyError, match="no parameter 'fc.q'"):
        rows["fc.q"]


def test_an_unknown_level(twins):
    with pytest.raises(ValueError, match="'blocks' or 'layers' or 'parameters'"):
        twins["plain"].layers(level="stages")
    with pytest.raises(ValueError, match="'pairs'"):
        twins["plain"].ledger(level="layers")
    with pytest.raises(ValueError, match="'blocks' or 'layers' or 'parameters'"):
        inspect.Recorder(nn.Linear(1, 1), level="stages")


def test_blocks_survive_saving(twins, tmp_path):
    twins["residual"].save(tmp_path / "t.trace")
    loaded = inspect.load(tmp_path / "t.trace")
    assert loaded.layers(level="blocks").to_dict() == twins["residual"].layers(level="blocks").to_dict()


@pytest.mark.parametrize("level", ["blocks", "parameters"])
def test_the_recorder_records_the_same(level):
    mg.manual_seed(0)
    net = DeepResNet(2)
    x = mg.randn(2, 1, 8, 8)
    with inspect.Recorder(net, level=level) as recorder:
        trace = inspect.trace(net(x).square().mean())
    rows = trace.layers(net, level=level)
    assert sorted(recorder.layers) == sorted(rows.names)
    norms = dict(zip(recorder.layers, recorder.norms[:, 0], strict=True))
    np.testing.assert_allclose([norms[name] for name in rows.names], rows.norms, rtol=1e-6)
    assert plot.norms_over_time(recorder, ax=Figure().subplots()).get_ylabel().startswith(level[:-1])


def test_twins_are_drawn_block_over_block(twins):
    ax = plot.gradient_norms(twins, ax=Figure().subplots())
    plain, residual = ax.get_lines()[:2]
    np.testing.assert_array_equal(plain.get_xdata(), residual.get_xdata())
    np.testing.assert_array_equal(plain.get_ydata(), twins["plain"].layers(level="blocks").norms)
    assert [t.get_text() for t in ax.texts] == ["layer1", "layer2", "layer3"]
    borders = [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in borders] == [2.5, 5.5]


def test_of_many_rows_names_thin_out_and_stages_stay():
    trace = trace_of(DeepResNet(12))
    ax = plot.gradient_norms(trace, ax=Figure().subplots())
    names = [t.get_text() for t in ax.get_xticklabels()]
    assert len(names) <= 30
    assert {"layer1.0", "layer2.0", "layer3.0"} <= set(names)
    assert [t.get_text() for t in ax.texts] == ["layer1", "layer2", "layer3"]


def test_layers_are_no_sawtooth(twins):
    ax = plot.gradient_norms(twins["residual"], ax=Figure().subplots(), level="layers")
    layers = twins["residual"].layers()
    lines = {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}
    assert list(lines) == ["conv1", "conv2", "other layers"]
    for name in ("conv1", "conv2"):
        np.testing.assert_array_equal(lines[name].get_ydata(), [layers[f"{block}.{name}"].norm for block in NAMES])
    assert lines["other layers"].get_linestyle() == "None"
