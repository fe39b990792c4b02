"""The loader: every item once, in an order that the seed decides, and PyTorch's meanings."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad.utils.data as torch_names
from minigrad import data
from minigrad.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    random_split,
)
from minigrad.random import Generator, default_generator, manual_seed
from minigrad.tensors.tensor import Tensor, from_array


def t(values, dtype=None, requires_grad=False):
    return from_array(np.array(values, dtype=dtype), requires_grad)


def pairs(n=10):
    x = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return TensorDataset(from_array(x), from_array(np.arange(n)))


class OneByOne(Dataset):
    """The items of another data set, without its fast way to whole batches."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __getitem__(self, index):
        return self.dataset[index]

    def __len__(self):
        return len(self.dataset)


def labels(loader):
    return [y.tolist() for _, y in loader]


def test_in_order():
    assert labels(DataLoader(pairs(), batch_size=4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert labels(DataLoader(pairs(), batch_size=4, drop_last=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


@given(st.integers(1, 30), st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 99))
def test_every_item_once(n, batch_size, shuffle, drop_last, seed):
    if drop_last and n < batch_size:
        n = batch_size
    generator = Generator().manual_seed(seed)
    loader = DataLoader(pairs(n), batch_size, shuffle, drop_last=drop_last, generator=generator)
    batches = labels(loader)
    assert len(batches) == len(loader)
    seen = sum(batches, [])
    assert len(set(seen)) == len(seen) == (n - n % batch_size if drop_last else n)
    assert {len(b) for b in batches[:-1]} <= {batch_size}


@pytest.mark.parametrize(
    "make",
    [pairs, lambda: Subset(pairs(), [9, 3, 3, -1]), lambda: Subset(Subset(pairs(), range(8)), t([5, 0]))],
)
def test_whole_batches_equal_single_items(make):
    dataset = make()
    for quick, slow in zip(DataLoader(dataset, 3), DataLoader(OneByOne(dataset), 3), strict=True):
        assert type(quick) is type(slow) is list
        for a, b in zip(quick, slow, strict=True):
            assert isinstance(a, Tensor)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.array, b.array)


def test_a_subclass_is_asked_for_its_items():
    class Negated(TensorDataset):
        def __getitem__(self, index):
            return tuple(-x for x in super().__getitem__(index))

    assert labels(DataLoader(Negated(*pairs(3).tensors), 3)) == [[0, -1, -2]]


def test_a_batch_is_a_copy():
    dataset = pairs(4)
    next(iter(DataLoader(dataset, 4)))[1].array[:] = 99
    assert dataset.tensors[1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("wrap", [lambda d: d, OneByOne])
def test_gradients_reach_the_data_set(wrap):
    x = t([1.0, 2.0, 3.0], requires_grad=True)
    loader = DataLoader(wrap(TensorDataset(x)), batch_sampler=[[2, 0, 2]])
    (batch,) = next(iter(loader))
    (batch * t([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [10.0, 0.0, 101.0]


def test_the_same_seed_gives_the_same_order():
    def run(seed):
        manual_seed(seed)
        loader = DataLoader(pairs(50), 50, shuffle=True)
        return labels(loader) + labels(loader)

    assert run(0) == run(0)
    assert run(0) != run(1)
    first, second = run(0)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(50))


def test_a_generator_of_its_own_leaves_the_global_one_alone():
    def run(seed):
        manual_seed(seed)
        return labels(DataLoader(pairs(50), 50, shuffle=True, generator=Generator().manual_seed(7)))

    assert run(0) == run(1)
    manual_seed(3)
    expected = default_draw()
    manual_seed(3)
    run_labels = labels(DataLoader(pairs(50), 50, shuffle=True, generator=Generator().manual_seed(7)))
    assert len(run_labels[0]) == 50
    assert default_draw() == expected


def default_draw():
    return default_generator().numpy.random()


def test_speed_path_and_slow_path_draw_alike():
    def run(dataset):
        return labels(DataLoader(dataset, 4, shuffle=True, generator=Generator().manual_seed(5)))

    assert run(pairs()) == run(OneByOne(pairs()))


def test_two_passes_at_once_do_not_disturb_each_other():
    loader = DataLoader(pairs(), 4)
    first, second = iter(loader), iter(loader)
    next(first)
    assert next(second)[1].tolist() == [0, 1, 2, 3]
    assert next(first)[1].tolist() == [4, 5, 6, 7]


def test_samplers():
    assert len(SequentialSampler(range(3))) == 3
    assert labels(DataLoader(pairs(), 2, sampler=[5, 1, 5])) == [[5, 1], [5]]
    loader = DataLoader(pairs(), batch_sampler=[[1, 2], [3]])
    assert labels(loader) == [[1, 2], [3]]
    assert len(loader) == 2
    assert labels(DataLoader(pairs(), batch_sampler=BatchSampler(range(5), 2, drop_last=True))) == [
        [0, 1],
        [2, 3],
    ]


def test_random_sampler_with_a_number():
    generator = Generator().manual_seed(0)
    drawn = list(RandomSampler(range(3), num_samples=7, generator=generator))
    assert [sorted(drawn[:3]), sorted(drawn[3:6])] == [[0, 1, 2], [0, 1, 2]]
    assert len(drawn) == 7
    twice = list(RandomSampler(range(3), replacement=True, num_samples=50, generator=generator))
    assert len(twice) == 50
    assert set(twice) == {0, 1, 2}


def test_collate_fn_gets_the_items():
    loader = DataLoader([1, 2, 3], batch_size=2, collate_fn=tuple)
    assert list(loader) == [(1, 2), (3,)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "at least 1, not 0"),
        ({"batch_size": 2.0}, ValueError, "at least 1, not 2.0"),
        ({"batch_size": True}, ValueError, "at least 1, not True"),
        ({"batch_size": None}, ValueError, "batch_size=None"),
        ({"dataset": []}, ValueError, "is empty"),
        ({"dataset": iter([1])}, TypeError, "no __getitem__"),
        ({"sampler": [0], "shuffle": True}, ValueError, "pass one of them"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler replaces"),
        ({"batch_sampler": [[0]], "drop_last": True}, ValueError, "batch_sampler replaces"),
        ({"num_workers": -1}, ValueError, "num_workers must be an integer of at least 0"),
        ({"generator": np.random.default_rng(0)}, TypeError, r"minigrad.Generator\(\).manual_seed"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        DataLoader(**{"dataset": pairs(), **arguments})


def test_warnings():
    with pytest.warns(UserWarning, match="num_workers=4 has no effect"):
        loader = DataLoader(pairs(), 10, num_workers=4, pin_memory=True, persistent_workers=True)
    assert labels(loader) == [list(range(10))]
    with pytest.warns(UserWarning, match=r"gives no batch.*10 items are fewer than batch_size=11"):
        assert len(DataLoader(pairs(), 11, drop_last=True)) == 0


def test_signature_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    for ours, theirs in (
        (DataLoader, torch.utils.data.DataLoader),
        (random_split, torch.utils.data.random_split),
    ):
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    for name in torch_names.__all__:
        assert hasattr(torch.utils.data, name)
        if name != "distributed":  # a module of its own, as in PyTorch
            assert getattr(torch_names, name) is getattr(data, name)
