"""Tables are aligned as text, escaped as HTML; norms survive where squares don't."""

from __future__ import annotations

import math

import numpy as np
import pytest
from inspect_nets import DeepResNet, Transformer, UNet

import minigrad as mg
from minigrad import inspect
from minigrad.inspect import measure
from minigrad.inspect.say.table import Table, Tabular, cell_text, write_csv


def test_columns_are_aligned():
    table = Table(["name", "n", "x"], [["a", 1, 0.5], ["long name", 200, None]], title="T", notes=["N"])
    assert str(table).splitlines() == [
        "T",
        "name       n    x",
        "---------  ---  ---",
        "a            1  0.5",
        "long name  200    -",
        "N",
    ]


def test_html_is_escaped():
    text = Table(["<g>"], [["a<b"], [1.5]], title="x&y", notes=["<n>"])._repr_html_()
    assert "<th>&lt;g&gt;</th>" in text
    assert "a&lt;b" in text
    assert "x&amp;y" in text
    assert "&lt;n&gt;" in text


def test_cells():
    assert [cell_text(c) for c in (None, 1, True, "a", 1.23456e-7, math.nan)] == [
        "-",
        "1",
        "True",
        "a",
        "1.235e-07",
        "nan",
    ]


def test_empty_tables_and_files(tmp_path):
    assert str(Table(["a"], [])) == "a\n-"
    write_csv(tmp_path / "a.csv", [])
    assert (tmp_path / "a.csv").read_text().strip() == ""
    with pytest.raises(NotImplementedError):
        str(Tabular())


@pytest.mark.parametrize(("dtype", "small"), [(np.float32, 1e-30), (np.float64, 1e-250)])
def test_norms_below_the_square_root_of_the_smallest_number(dtype, small):
    x = np.array([3, 4], dtype=dtype) * dtype(small)
    assert math.isclose(measure.norm(x), 5 * small, rel_tol=1e-6)
    assert math.isclose(measure.cosine(x, np.array([3, 4], dtype=dtype)), 1, rel_tol=1e-6)


def test_norms_above_the_square_root_of_the_largest_number():
    assert math.isclose(measure.norm(np.array([3e30, 4e30], dtype=np.float32)), 5e30, rel_tol=1e-6)
    assert measure.norm(np.array([np.inf, 1])) == math.inf
    assert math.isnan(measure.norm(np.array([np.nan, 1])))


def test_norms_of_other_layouts_and_dtypes():
    x = np.arange(12.0).reshape(3, 4)
    assert measure.norm(x.T[::2]) == pytest.approx(np.linalg.norm(x.T[::2]), rel=1e-15)
    assert measure.norm(np.array([3, 4], dtype=np.float16)) == 5
    assert measure.norm(np.zeros((0, 3))) == 0
    assert measure.inner(x.astype(np.float32), x.astype(np.float32)) == np.vdot(x, x)


def test_conditions():
    assert measure.condition(math.inf) == "infinite"
    assert measure.condition(1e-310) == "underflow"
    assert measure.cosine(np.zeros(2), np.ones(2)) is None


def test_a_table_fits_a_terminal():
    columns = ["block", "a column of numbers", "another one", "a third one", "a fourth one", "line"]
    rows = [["encoder.layer1.blocks.10.conv1", *[-1.23456e-11] * 4, "y = self.encoder(x) + self.decoder(x)"]] * 2
    lines = str(Table(columns, rows, notes=["a note " * 20])).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("enc")  # of a name the middle goes, of code the end
    assert lines[2].endswith("..")


def test_where_there_is_no_room_columns_go_and_that_is_said(monkeypatch):
    columns = ["block", "first number", "second number", "third number", "", "line"]
    table = Table(columns, [["encoder.layer1", 1.0, 2.0, 3.0, "vanishing", "y = f(x)"]], notes=["a note " * 9])
    monkeypatch.setenv("COLUMNS", "40")
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[0].split() == ["block", "first", "number"]
    assert "vanis" in lines[2]
    assert str(table).replace("\n ", "").endswith("No room for: second number, third number, line")
    monkeypatch.setenv("COLUMNS", "300")
    assert "No room" not in str(table)
    assert max(map(len, str(table).splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "3")
    assert max(map(len, str(table).splitlines())) <= 40


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("name", ["ResNet", "Transformer", "UNet"])
def test_the_tables_of_real_nets_fit(name, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    net, x = {
        "ResNet": (DeepResNet(3), mg.randn(2, 1, 8, 8)),
        "Transformer": (Transformer(), mg.randint(5, (2, 3))),
        "UNet": (UNet(), mg.randn(2, 1, 8, 8)),
    }[name]
    trace = inspect.trace(net(x).square().mean())
    paths = inspect.path_lengths(net(x).square().mean(), wrt=next(net.parameters()))
    bill = inspect.receipt(net(x).square().mean(), net)
    tables = [trace, trace.ledger(), trace.layers(), trace.layers(level="parameters"), trace.diff(trace)]
    for shown in (*tables, paths, bill, inspect.laws(net(x).square().mean())):
        assert max(map(len, str(shown).splitlines())) <= width, type(shown).__name__
