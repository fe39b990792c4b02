"""The embedding's table, its padding, and tables that are there already."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_rows_are_looked_up_and_their_gradients_summed():
    table = nn.Embedding(5, 3)
    y = table(mg.tensor([[1, 4], [1, 0]]))
    np.testing.assert_array_equal(y.array, table.weight.array[[[1, 4], [1, 0]]])
    y.sum().backward()
    assert table.weight.grad.array[:, 0].tolist() == [1, 2, 0, 0, 1]
    assert list(table.state_dict()) == ["weight"]


def test_it_starts_standard_normal():
    weight = nn.Embedding(200, 100).weight.array
    assert weight.mean() == pytest.approx(0, abs=0.03)
    assert weight.std() == pytest.approx(1, abs=0.03)


def test_padding_is_zero_and_not_learnt():
    table = nn.Embedding(4, 2, padding_idx=-1)
    assert table.padding_idx == 3
    assert not table.weight.array[3].any()
    table(mg.tensor([3, 1])).sum().backward()
    assert table.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    assert repr(table) == "Embedding(4, 2, padding_idx=3)"
    with pytest.raises(ValueError, match="padding_idx must be an integer from -4 to 3"):
        nn.Embedding(4, 2, padding_idx=4)


def test_from_pretrained():
    rows = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(rows)
    assert frozen(mg.tensor(1)).tolist() == [3, 4]
    assert frozen.weight.array is rows.array
    assert not frozen.weight.requires_grad
    assert nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=0).weight.requires_grad
    assert rows.array[0, 0] == 1
    with pytest.raises(ValueError, match="a table of embeddings has two dimensions"):
        nn.Embedding.from_pretrained(mg.ones(3))


def test_rows_that_are_too_long_are_shortened_in_the_table():
    layer = nn.Embedding(3, 2, max_norm=1.0, _weight=mg.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    layer(mg.tensor([0, 1, 0])).sum().backward()
    assert layer.weight.tolist() == [pytest.approx([0.6, 0.8]), pytest.approx([0.3, 0.4]), [6, 8]]
    assert layer.weight.grad.tolist() == [[2, 2], [1, 1], [0, 0]]
