"""The ledger's numbers are those of the pass, and what left a fork is what came in, to the bit."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from inspect_nets import ConvBlocks, DenseNet, Transformer, UNet, randn

import minigrad as mg
from minigrad import inspect, nn, skip


def losses():
    tokens = mg.tensor([[0, 1, 2]])
    return {
        "blocks": lambda: ConvBlocks(3).double()(randn(2, 2, 4, 4)),
        "unet": lambda: UNet().double()(randn(1, 1, 8, 8)),
        "dense": lambda: DenseNet(3).double()(randn(2, 2)),
        "pre": lambda: Transformer(pre=True).double()(tokens),
        "post": lambda: Transformer(pre=False).double()(tokens),
    }


@pytest.mark.parametrize("name", losses())
def test_conservation_to_the_bit(name):
    ledger = inspect.trace(losses()[name]().square().sum()).ledger()
    assert ledger.conserved
    for row in ledger:
        np.testing.assert_array_equal(row.g_in, row.g_skip + row.g_branch)
        assert row.conserved is True
        terms = row.terms
        assert terms["sum"] == terms["skip"] + terms["branch"] + terms["cross"]
        assert math.isclose(terms["sum"], row.norm_in**2, rel_tol=1e-12)
        assert math.isclose(row.inner, np.vdot(row.g_skip, row.g_branch), rel_tol=1e-12, abs_tol=1e-15)


def test_the_fields_of_one_block_by_hand():
    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    a = mg.tensor([3.0, -0.5], dtype=mg.float64)
    s, b = skip.fork(x)
    y = skip.residual_add(s, a * b)
    y.backward(g := np.array([1.0, 2.0]), retain_graph=True)
    row = inspect.trace(y, g).ledger()[0]
    np.testing.assert_array_equal(row.g_out, [1, 2])
    np.testing.assert_array_equal(row.g_skip, [1, 2])
    np.testing.assert_array_equal(row.g_branch, [3, -1])
    np.testing.assert_array_equal(row.g_in, [4, 1])
    assert row.inner == 1
    assert math.isclose(row.cosine, 1 / math.sqrt(50), rel_tol=1e-15)
    assert math.isclose(row.skip_share, (1 * 4 + 2 * 1) / 17, rel_tol=1e-15)
    assert row.norm_out == row.norm_skip == math.sqrt(5)
    assert row.g_other is None


def test_what_left_the_fork_is_the_inputs_gradient(mixed):
    loss, x, _ = mixed
    (entered,) = mg.grad(loss, x, retain_graph=True)
    first = inspect.trace(loss).ledger()[0]
    np.testing.assert_array_equal(first.g_in, entered.array)
    assert not first.g_in.flags.writeable


def test_the_concat_gives_each_way_its_slice():
    """E14: add gives both ways the same gradient, concat exact slices."""
    x = randn(2, 3)
    s, b = skip.fork(x)
    g = np.arange(12.0).reshape(2, 6)
    row = inspect.trace(skip.skip_concat(s, b * 1.0), g).ledger()[0]
    np.testing.assert_array_equal(row.g_skip, g[:, :3])
    np.testing.assert_array_equal(row.g_branch, g[:, 3:])
    s, b = skip.fork(x)
    row = inspect.trace(skip.residual_add(s, b * 1.0), g[:, :3]).ledger()[0]
    np.testing.assert_array_equal(row.g_skip, row.g_branch)


def test_a_source_in_a_densenet_gets_the_sum_of_its_readers_slices():
    """E14: all readers of one source together give its whole gradient."""
    x = randn(2, 2)
    loss = DenseNet(3).double()(x).square().sum()
    (whole,) = mg.grad(loss, x, retain_graph=True)
    rows = [row for row in inspect.trace(loss).ledger() if row.fork == "a leaf"]
    assert len(rows) == 3
    for row in rows:
        other = 0 if row.g_other is None else row.g_other
        np.testing.assert_allclose(row.g_in + other, whole.array, rtol=1e-14)


def test_skipinit_at_scale_zero():
    """E8: the same gradient in every layer, to the bit; nothing in the branches; the scales still learn."""
    scales = [nn.Parameter(mg.zeros(1, dtype=mg.float64)) for _ in range(4)]
    blocks = [nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3)), scale=s) for s in scales]
    net = nn.Sequential(*blocks).double()
    trace = inspect.trace(net(randn(2, 3)).square().sum())
    ledger = trace.ledger()
    for row in ledger:
        np.testing.assert_array_equal(row.g_in, ledger[-1].g_out)
        assert row.norm_branch == 0
        assert row.skip_share == 1
        assert row.cosine is None
        assert "nothing comes back through the branch" in row.sentence()
    assert all(row.norm == 0 and row.condition == "zero" for row in trace.layers() if ".branch." in row.name)
    assert all(abs(s.grad.item()) > 0 for s in scales)


def test_norms_only_gives_the_same_numbers(resnet):
    loss = resnet[0]
    whole = inspect.trace(loss, retain_graph=True).ledger()
    brief = inspect.trace(loss, keep="norms").ledger()
    assert [row.record() for row in whole] == [row.record() for row in brief]
    assert all(row.g_in is None and row.g_skip is None for row in brief)


def test_sentences():
    row = inspect.LedgerRow("block3", "add", "Fork#1", "ResidualAdd#2", False, 1.0, 1.0, 0.5, 1.1)
    against = replace(row, skip_share=0.82, cosine=-0.12)
    assert against.sentence() == (
        "82 % of the gradient at the fork of block3 comes over the skip; the branch works against it, cosine -0.12."
    )
    assert "works with it, cosine 0.50" in replace(row, skip_share=0.6, cosine=0.5).sentence()
    assert "at right angles" in replace(row, skip_share=0.6, cosine=0.01).sentence()
    assert "all of it comes through the branch" in replace(row, norm_skip=0.0, skip_share=0.0).sentence()
    assert "a hook changed" in replace(against, conserved=False, implicit=True).sentence()
    assert replace(row, norm_in=None).sentence() == "No gradient reached block3."
    assert "is zero: skip and branch cancel." in replace(row, norm_in=0.0).sentence()
    assert "is zero." in replace(row, norm_in=0.0, norm_skip=0.0).sentence()
    assert "not finite" in replace(row, norm_in=math.nan).sentence()
    assert "block3" in repr(row)


def test_records_table_and_csv(mixed, tmp_path):
    ledger = inspect.trace(mixed[0]).ledger()
    assert len(ledger) == 3
    assert len(ledger.sentences()) == 3
    text = str(ledger)
    assert text == repr(ledger)
    assert "to the bit" in text
    assert [line.split()[:2] for line in text.splitlines()[2:5]] == [["0", "add"], ["1", "gate"], ["2", "concat"]]
    assert "<table>" in ledger._repr_html_()
    records = ledger.to_dict()
    assert records[1]["kind"] == "gate"
    assert not any(key.startswith("g_") for key in records[0])
    ledger.to_csv(tmp_path / "ledger.csv")
    with (tmp_path / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["0", "1", "2"]
    assert float(rows[0]["norm_in"]) == ledger[0].norm_in


def test_choosing_rows(mixed):
    ledger = inspect.trace(mixed[0]).ledger()
    assert ledger["1"].kind == "gate"
    assert [row.name for row in ledger[1:]] == ["1", "2"]
    assert [row.name for row in ledger.select(["2", 0])] == ["0", "2"]
    with pytest.raises(inspect.UnknownNameError, match="nearest"):
        ledger["7"]


def test_an_empty_ledger_says_what_to_do():
    trace = inspect.trace(nn.Linear(2, 2)(mg.ones(1, 2)).sum())
    assert len(trace.ledger()) == 0
    assert "no skip connection" in str(trace.ledger())
    assert trace.ledger().to_dict() == []


def test_many_unpaired_joins_are_counted():
    x = randn(3)
    y = x
    for _ in range(8):
        y = y.tanh() + y.tanh().detach() * randn(3)
        a, b = skip.fork(y)
        y = a * b
    assert "more in .unpaired" in str(inspect.trace((y + y.tanh()).sum()).ledger())


def test_a_hook_that_changes_the_sum_is_told():
    x = randn(3)
    h = x * 2.0
    h.register_hook(lambda g: g * 3.0)
    ledger = inspect.trace((h + h.tanh()).sum()).ledger()
    assert ledger[0].conserved is False
    assert not ledger.conserved
    assert "a hook changed it: block0" in str(ledger)


@pytest.mark.parametrize("keep", ["all", "norms"])
def test_a_fork_with_a_wrong_rule_is_told(keep, monkeypatch):
    """By one bit of one element: the check is not the rule's own sum."""

    def wrong(self, *grads):
        total = grads[0] + grads[1]
        total[0, 1] = np.nextafter(total[0, 1], np.inf)
        return total

    monkeypatch.setattr(skip.Fork, "backward", wrong)
    s, b = skip.fork(randn(2, 3))
    ledger = inspect.trace(skip.residual_add(s, b.tanh()).sum(), keep=keep).ledger()
    assert ledger[0].conserved is False
    assert "a fork's rule is wrong" in str(ledger)
    assert "the fork's rule gives another than the sum" in ledger.sentences()[0]


def test_a_pair_that_no_gradient_reaches():
    class Stop(mg.Node):
        def forward(self, x):
            return x + 0

        def backward(self, gy):
            return None

    x = randn(3)
    (row,) = inspect.trace((Stop()(x + x.tanh()) + x.sin()).sum()).ledger().select("block0")
    assert row.norm_in is None
    assert "No gradient reached" in row.sentence()
    assert row.terms == dict.fromkeys(("skip", "branch", "cross", "sum"))


def test_vanishing_gradients_keep_their_direction():
    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    row = inspect.trace(x + 0.5 * x, np.array([1e-200, 1e-200])).ledger()[0]
    assert math.isclose(row.cosine, 1, rel_tol=1e-15)
    assert math.isclose(row.skip_share, 2 / 3, rel_tol=1e-15)
