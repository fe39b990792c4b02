"""Text and memory tasks: what they hold, the baselines that come with them, seeds, messages."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import data


def test_text_is_english_and_long():
    text = data.text()
    assert 400_000 < len(text) < 1_000_000
    assert text == data.text()
    assert len(set(text)) < 200
    assert 0.1 < text.count(" ") / len(text) < 0.4


@pytest.mark.parametrize("absent", [None, type(sys)("topics")])
def test_text_says_where_it_is_missing(monkeypatch, absent):
    if absent is not None:
        absent.topics = {}
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", absent)
    with pytest.raises(FileNotFoundError, match=r"pydoc_data\.topics"):
        data.text()


def test_the_adding_problems_baseline_is_one_sixth():
    """F13: predicting 1 has the variance of the sum, 2/12."""
    x, y = data.adding_problem(200_000, 7, seed=0)
    assert ((y - 1) ** 2).mean().item() == pytest.approx(1 / 6, rel=0.02)
    marks = x.array[:, :, 1]
    assert (marks[:, :3].sum(1) == 1).all()
    assert (marks[:, 3:].sum(1) == 1).all()
    np.testing.assert_allclose((x.array[:, :, 0] * marks).sum(1), y.array, rtol=1e-6)
    assert marks.any(axis=0).all()


def test_the_copy_task():
    x, y = data.copy_task(50, 6, seed=0, symbols=3, memory=4)
    assert x.shape == y.shape == (50, 14)
    assert set(x.array[:, :4].ravel()) == {1, 2, 3}
    assert (x.array[:, :4] == y.array[:, -4:]).all()
    assert (x.array[:, 9] == 4).all()  # the sign comes just before the answer
    assert not x.array[:, 4:9].any()
    assert not x.array[:, 10:].any()
    assert not y.array[:, :10].any()


@pytest.mark.parametrize("make", [data.adding_problem, data.copy_task])
def test_seeds(make):
    assert (make(5, 9, seed=1)[0] == make(5, 9, seed=1)[0]).all()
    assert not (make(5, 9, seed=1)[0] == make(5, 9, seed=2)[0]).all()
    mg.manual_seed(3)
    first = make(5, 9)[0]
    mg.manual_seed(3)
    assert (make(5, 9)[0] == first).all()


def test_sizes_that_make_no_sense():
    with pytest.raises(ValueError, match="at least 2"):
        data.adding_problem(3, 1)
    with pytest.raises(ValueError, match="at least 1"):
        data.copy_task(3, 0)
