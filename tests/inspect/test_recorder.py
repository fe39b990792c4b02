"""The recorder: every k-th pass, every layer, a few numbers; and a warning where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn


def train(recorder, net, passes, lr=0.1):
    x, y = mg.randn(6, 3, dtype=mg.float64), mg.randn(6, 2, dtype=mg.float64)
    optimizer = mg.optim.SGD(net.parameters(), lr=lr)
    seen = []
    with recorder:
        for _ in range(passes):
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            seen.append([(np.linalg.norm(p.grad.array), np.linalg.norm(p.array)) for p in net.parameters()])
            optimizer.step()
    return np.array(seen)


def net():
    return nn.Sequential(nn.Linear(3, 4), nn.Residual(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 2)).double()


def test_norms_of_every_second_pass():
    model = net()
    recorder = inspect.Recorder(model, every=2)
    seen = train(recorder, model, 5)
    assert recorder.steps == [0, 2, 4]
    assert recorder.layers == ["0", "1.branch", "1", "2", "3"]
    assert recorder.params == [name for name, _ in model.named_parameters()]
    assert recorder.norms.shape == (5, 3)
    np.testing.assert_allclose(recorder.param_norms, seen[::2, :, 0].T, rtol=1e-13)
    np.testing.assert_allclose(recorder.update_ratios, 0.1 * (seen[::2, :, 0] / seen[::2, :, 1]).T, rtol=1e-12)


def test_the_layers_norms_are_those_of_a_trace():
    model = net()
    x = mg.randn(6, 3, dtype=mg.float64)
    with inspect.Recorder(model) as recorder:
        loss = model(x).square().sum()
        loss.backward(retain_graph=True)
    layers = inspect.trace(loss).layers()
    assert recorder.layers == layers.names
    np.testing.assert_allclose(recorder.norms[:, 0], layers.norms, rtol=1e-14)


def test_histograms_count_every_element():
    model = net()
    recorder = inspect.Recorder(model, histograms=True)
    train(recorder, model, 2)
    counts = recorder.histogram("0")
    assert counts.shape[0] == 2
    assert (counts.sum(1) == 6 * 4).all()
    assert recorder.histogram("none").sum() == 0


def test_a_weight_of_several_uses_gets_the_sum():
    layer = nn.Linear(3, 3).double()
    model = nn.Sequential(layer, nn.Tanh(), layer)
    with inspect.Recorder(model) as recorder:
        model(mg.randn(2, 3, dtype=mg.float64)).sum().backward()
    np.testing.assert_allclose(recorder.param_norms[0, 0], np.linalg.norm(layer.weight.grad.array), rtol=1e-13)


def test_training_is_the_same_with_and_without():
    results = []
    for recorded in (False, True):
        mg.manual_seed(3)
        model = net()
        recorder = inspect.Recorder(model, every=1 if recorded else 1000, histograms=recorded)
        train(recorder, model, 4)
        results.append([p.array for p in model.parameters()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_not_reached_is_nan():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with inspect.Recorder(model) as recorder:
        model(mg.ones(1, 2)).sum().backward()
        model[1](mg.ones(1, 2)).sum().backward()
    assert np.isnan(recorder.param_norms[0, 1])
    assert recorder.param_norms[0, 0] > 0


def test_it_warns_when_it_recorded_nothing():
    model = net()
    with pytest.warns(UserWarning, match="recorded nothing"), inspect.Recorder(model):
        pass
    recorder = inspect.Recorder(model)
    with pytest.warns(UserWarning, match="recorded nothing"):
        recorder.norms  # noqa: B018
    with pytest.warns(UserWarning, match="recorded nothing"):
        str(recorder)


def test_records_and_table(tmp_path):
    model = net()
    recorder = inspect.Recorder(model)
    train(recorder, model, 3)
    text = str(recorder)
    assert "3 of 3 passes recorded" in text
    assert "output of 1.branch" in text
    assert "<table>" in recorder._repr_html_()
    recorder.to_csv(tmp_path / "record.csv")
    lines = (tmp_path / "record.csv").read_text().splitlines()
    assert lines[0] == "pass,kind,name,norm,update_ratio"
    assert len(lines) == 1 + 3 * (5 + 6)


def test_bad_input():
    with pytest.raises(TypeError, match=r"nn\.Module"):
        inspect.Recorder(lambda x: x)
    with pytest.raises(ValueError, match="at least 1"):
        inspect.Recorder(net(), every=0)


def test_the_ledger_over_training():
    """A row a block and a column a pass, the numbers of `trace(...).ledger()`; SkipInit's branches wake up."""
    mg.manual_seed(0)
    net = mg.nn.Sequential(
        *(mg.nn.Residual(mg.nn.Linear(4, 4), scale=mg.nn.Parameter(mg.zeros(1))) for _ in range(3)), mg.nn.Linear(4, 2)
    )
    optimizer, x = mg.optim.SGD(net.parameters(), lr=0.1), mg.randn(6, 4)
    expected = []
    with inspect.Recorder(net, ledger=True) as recorder:
        for _ in range(4):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    mg.manual_seed(0)
    twin = mg.nn.Sequential(
        *(mg.nn.Residual(mg.nn.Linear(4, 4), scale=mg.nn.Parameter(mg.zeros(1))) for _ in range(3)), mg.nn.Linear(4, 2)
    )
    optimizer, x = mg.optim.SGD(twin.parameters(), lr=0.1), mg.randn(6, 4)
    for _ in range(4):
        optimizer.zero_grad()
        expected.append([row.skip_share for row in inspect.trace(twin(x).square().mean()).ledger()])
        optimizer.step()
    shares = recorder.ledger()
    assert recorder.blocks == ["1", "2"]  # (the first block's input wants no gradient)
    np.testing.assert_array_equal(shares, np.transpose(expected))
    assert (shares[:, 0] == 1).all()
    assert (shares[:, -1] != 1).all()
    assert recorder.ledger("norm_branch")[:, 0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="ledger=True"):
        inspect.Recorder(net).ledger()
