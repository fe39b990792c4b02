"""Samplers: in which order the items of a data set are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minigrad import arguments
from minigrad.random import Generator, numpy_generator


class SequentialSampler:
    """The items in order.

    Parameters
    ----------
    data_source
        A data set.
    """

    def __init__(self, data_source: Any) -> None:
        length_of("SequentialSampler", "data_source", data_source)
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler:
    """The items in random order, a new one in each pass.

    Parameters
    ----------
    data_source
        A data set.
    replacement
        Draw each item anew from all of them, so that one may come twice.
    num_samples
        How many are drawn; by default as many as there are. Without replacement, more than that means
        several passes.
    generator
        Where the chance comes from; by default what ``manual_seed`` seeds.

    Raises
    ------
    ValueError
        If ``num_samples`` is less than 1.
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None:
            num_samples = arguments.integer("RandomSampler", "num_samples", num_samples, least=1)
        items = length_of("RandomSampler", "data_source", data_source)
        numpy_generator(generator)  # which looks at it
        self.data_source = data_source
        self.replacement = arguments.flag("RandomSampler", "replacement", replacement)
        self.num_samples = items if num_samples is None else num_samples
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        rng = numpy_generator(self.generator)
        n = len(self.data_source)
        if self.replacement:
            yield from rng.integers(n, size=self.num_samples).tolist()
            return
        left = self.num_samples
        while left > 0:
            yield from rng.permutation(n)[:left].tolist()
            left -= n

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """Group the numbers that a sampler gives into lists.

    Parameters
    ----------
    sampler
        Anything that gives numbers of items.
    batch_size
        How many numbers make a batch.
    drop_last
        Leave out the last batch if it would be smaller than the others.

    Raises
    ------
    ValueError
        If ``batch_size`` is no whole number above 0.

    Examples
    --------
    >>> from minigrad.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
        if not isinstance(sampler, Iterable):
            raise arguments.wrong_kind("BatchSampler", "sampler", "something that gives the numbers of items", sampler)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = arguments.flag("BatchSampler", "drop_last", drop_last)

    def __iter__(self) -> Iterator[list[Any]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]  # a sampler without a length says so itself
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def length_of(operation: str, name: str, value: Any) -> int:
    """How many items a data set has.

    Raises
    ------
    TypeError
        If it has no length.
    """
    try:
        return len(value)
    except TypeError:
        raise arguments.wrong_kind(operation, name, "a data set, which has a length", value) from None
