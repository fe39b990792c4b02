"""Data sets and their parts, and the batches that items are collated to."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import DataLoader, Dataset, Subset, TensorDataset, default_collate, random_split
from minigrad.random import Generator
from minigrad.tensors.tensor import from_array


def t(values):
    return from_array(np.array(values))


def pairs(n=10):
    x = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return TensorDataset(from_array(x), from_array(np.arange(n)))


def test_tensor_dataset():
    dataset = pairs(4)
    x, y = dataset[1]
    assert (x.tolist(), y.item()) == ([2.0, 3.0], 1)
    assert dataset[1:3][1].tolist() == [1, 2]
    assert len(list(dataset)) == len(dataset) == 4
    with pytest.raises(IndexError):
        dataset[4]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), ValueError, "at least one"),
        ((np.ones(3),), TypeError, "argument 0 is of type ndarray.*minigrad.tensor"),
        ((t([1.0]), t(1.0)), ValueError, "argument 1 is a single number"),
        ((t([[1.0]]), t([1, 2])), ValueError, r"same length, but their shapes are \(1, 1\), \(2,\)"),
    ],
)
def test_tensors_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        TensorDataset(*arguments)


def test_a_dataset_without_getitem_says_so():
    class Empty(Dataset):
        def __len__(self):
            return 1

    with pytest.raises(NotImplementedError, match="Empty has no __getitem__"):
        next(iter(DataLoader(Empty())))


def test_subset():
    part = Subset(pairs(), [7, 2, 5])
    assert len(part) == 3
    assert part[1][1].item() == 2
    assert part[[0, 2]][1].tolist() == [7, 5]
    assert part[-2:][1].tolist() == [2, 5]
    with pytest.raises(IndexError):
        part[3]


@given(st.integers(1, 60), st.lists(st.floats(0.01, 1), min_size=1, max_size=4), st.integers(0, 9))
@pytest.mark.filterwarnings("ignore:random_split")
def test_random_split_by_fractions(n, weights, seed):
    fractions = [w / sum(weights) for w in weights]
    parts = random_split(range(n), fractions, Generator().manual_seed(seed))
    assert sorted(sum((list(part.indices) for part in parts), [])) == list(range(n))
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - fraction * n) < 2


def test_random_split_by_numbers():
    first, second = random_split(pairs(), [7, 3], Generator().manual_seed(0))
    assert (len(first), len(second)) == (7, 3)
    assert [y.tolist() for _, y in DataLoader(second, 3)] == [second.indices]
    again, _ = random_split(pairs(), [7, 3], Generator().manual_seed(0))
    assert again.indices == first.indices != list(range(7))
    with pytest.raises(ValueError, match=r"\[7, 4\] don't split a data set of 10"):
        random_split(pairs(), [7, 4])
    with pytest.raises(ValueError, match="each of lengths must be a number of at least 0"):
        random_split(pairs(), [11, -1])
    with pytest.warns(UserWarning, match="a part is empty"):
        random_split(pairs(), [10, 0])


Point = namedtuple("Point", "x y")


def test_default_collate():
    batch = [
        {
            "t": t([1.0, 2.0]),
            "a": np.ones(3, np.float16),
            "n": (1, 2.5),
            "s": "one",
            "b": True,
            "p": Point(1, 2),
        },
        {
            "t": t([3.0, 4.0]),
            "a": np.zeros(3, np.float16),
            "n": (3, 4.5),
            "s": "two",
            "b": False,
            "p": Point(3, 4),
        },
    ]
    out = default_collate(batch)
    assert out["t"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert out["a"].dtype == np.float16
    assert type(out["n"]) is list
    assert [x.dtype for x in out["n"]] == [np.int64, np.float64]
    assert out["s"] == ["one", "two"]
    assert out["b"].dtype == bool
    assert out["p"].y.tolist() == [2, 4]


def test_default_collate_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    items = [(1, 2.5, np.float32(1), np.arange(3), True), (2, 3.5, np.float32(2), np.arange(3), False)]
    theirs = torch.utils.data.default_collate(items)
    for a, b in zip(default_collate(items), theirs, strict=True):
        np.testing.assert_array_equal(a.array, b.numpy())
        assert a.dtype == b.numpy().dtype


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([t([1.0]), t([1.0, 2.0])], ValueError, r"different shapes: item 0 has \(1,\), item 1 has \(2,\)"),
        ([np.ones(1), np.ones(2)], ValueError, "different shapes"),
        ([{"a": 1}, {"b": 1}], ValueError, "different keys"),
        ([(1, 2), (1,)], ValueError, "different lengths"),
        ([object()], TypeError, "items of type object.*collate_fn="),
        ([], ValueError, "no items"),
    ],
)
def test_items_that_do_not_fit(items, error, message):
    with pytest.raises(error, match=message):
        default_collate(items)
