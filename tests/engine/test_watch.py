"""detect_anomaly and detect_changes name the node, the shapes and the user's lines."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine import watch
from minigrad.inspect import Recorder


def test_a_nan_in_forward():
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError) as caught:
        mg.tensor([-1.0, 2.0]).log()  # the culprit
    message = str(caught.value)
    assert "forward of Log((2,)) made 1 NaN (of 2 values)" in message
    assert "the culprit" in message


def test_an_infinity_in_forward():
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="1 Inf"):
        1 / mg.tensor([0.0, 2.0])


def test_a_nan_in_backward_only():
    x = mg.tensor([0.0, 4.0], requires_grad=True)
    with mg.detect_anomaly():
        y = (x.sqrt() * mg.tensor([0.0, 1.0])).sum()  # 0 * inf in backward
        with pytest.raises(mg.AnomalyError) as caught:
            y.backward()
    message = str(caught.value)
    assert re.search(r"backward of <Sqrt#\d+ \(2,\) -> \(2,\)> made 1 NaN", message)
    assert "0 * inf in backward" in message


def test_a_mask_of_minus_infinity_is_no_anomaly():
    scores = mg.zeros(2, 2, requires_grad=True)
    mask = mg.tensor([[0.0, -np.inf], [0.0, 0.0]])
    with mg.detect_anomaly():
        mg.softmax(scores + mask, dim=-1).sum().backward()
    assert np.isfinite(scores.grad.array).all()


def test_nothing_is_checked_outside_the_block():
    assert mg.tensor([-1.0]).log().isnan().all()


def test_data_that_changed_is_noticed_with_both_lines():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    with mg.detect_changes():
        y = (w * w).sum()  # forward line
        w.array[0] = 5.0
        with pytest.raises(mg.DataChangedError) as caught:
            y.backward()  # backward line
    message = str(caught.value)
    assert "1 of the 2 values" in message
    assert "forward line" in message
    assert "backward line" in message


def test_a_change_that_no_rule_would_notice_passes():
    x, w, b = mg.ones(2, 3), mg.ones(4, 3, requires_grad=True), mg.zeros(4, requires_grad=True)
    with mg.detect_changes():
        loss = (mg.nn.functional.linear(x, w, b) + b - b).sum()
        b.array += 1  # sums need the shapes of what was added, and not its values
        loss.backward()
    assert b.grad.tolist() == [2, 2, 2, 2]


def test_unchanged_data_passes():
    w = mg.tensor([1.0, np.nan], requires_grad=True)
    with mg.detect_changes():
        (w * w).sum().backward()
    assert w.grad.array[0] == 2


class _InterruptedAfter:
    """The list of watchers, where Ctrl-C comes right after it was changed."""

    def __init__(self, real):
        self.get, self.reset, self.real = real.get, real.reset, real
        self.calls = 0

    def set(self, value):
        token = self.real.set(value)
        self.calls += 1
        if self.calls == 1:
            raise KeyboardInterrupt
        return token


@pytest.mark.parametrize("kind", ["Recorder", "detect_anomaly"])
def test_an_interrupt_while_a_block_is_entered_leaves_nobody_watching(kind, monkeypatch):
    watcher = Recorder(mg.nn.Linear(2, 2)) if kind == "Recorder" else mg.detect_anomaly()
    before = watch.watchers.get()
    with monkeypatch.context() as patched:
        fake = _InterruptedAfter(watch.watchers)
        patched.setattr(watch, "watchers", fake)
        with pytest.raises(KeyboardInterrupt), watcher:
            pass
    assert watch.watchers.get() == before
    watcher.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # as an ExitStack may
    assert watch.watchers.get() == before
    with watcher:  # it can be used again
        assert watch.watchers.get() == (*before, watcher)
        mg.nn.Linear(2, 2)(mg.ones(1, 2)).sum().backward()
    assert watch.watchers.get() == before
