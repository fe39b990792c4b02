"""The data loader: batches of a data set, in order or shuffled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from minigrad import arguments
from minigrad.data.collate import default_collate
from minigrad.data.dataset import T_co, whole_batch
from minigrad.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from minigrad.random import Generator, numpy_generator


class DataLoader(Generic[T_co]):
    """Go through a data set in batches. Each ``for`` loop over it is one epoch.

    The signature is PyTorch's. Everything is loaded in the main process. So what PyTorch has for worker
    processes and for the GPU (``num_workers`` and ``pin_memory`` up to ``in_order``, save those described
    here) is accepted and has no effect.

    Parameters
    ----------
    dataset
        Anything with ``__getitem__`` and ``__len__``.
    batch_size
        How many items make a batch.
    shuffle
        Go through the items in random order, a new one in each epoch.
    sampler
        Gives the numbers of the items, instead of ``shuffle``.
    batch_sampler
        Gives lists of numbers, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
    num_workers
        Only 0 has a meaning here; for other numbers there is a warning.
    collate_fn
        Makes a batch of a list of items; by default ``default_collate``.
    drop_last
        Leave out the last batch if it would be smaller than the others.
    generator
        Where the chance comes from; by default what ``manual_seed`` seeds. The same seed gives the same
        order.

    Raises
    ------
    ValueError
        If the data set is empty, ``batch_size`` is below 1, or arguments contradict each other.
    TypeError
        If the data set can't be indexed or has no length.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.data import DataLoader, TensorDataset
    >>> pairs = TensorDataset(mg.arange(5), mg.arange(5) ** 2)
    >>> for x, y in DataLoader(pairs, batch_size=3):
    ...     print(x.tolist(), y.tolist())
    [0, 1, 2] [0, 1, 4]
    [3, 4] [9, 16]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_dataset(dataset)
        num_workers = arguments.integer("DataLoader", "num_workers", num_workers, least=0)
        shuffle = shuffle is not None and arguments.flag("DataLoader", "shuffle", shuffle)
        drop_last = arguments.flag("DataLoader", "drop_last", drop_last)
        if collate_fn is not None:
            arguments.function("DataLoader", "collate_fn", collate_fn)
        for name, given in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if given is not None and not isinstance(given, Iterable):
                raise arguments.wrong_kind("DataLoader", name, "something that gives the numbers of items", given)
        if num_workers > 0:
            warnings.warn(
                f"num_workers={num_workers} has no effect: minigrad loads in the main process. "
                "Leave it at 0 to be rid of this warning",
                stacklevel=2,
            )
        numpy_generator(generator)  # which looks at it
        self.dataset = dataset
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler replaces batch_size, shuffle, sampler and drop_last: leave those out")
            self.sampler = getattr(batch_sampler, "sampler", None)
            self.batch_sampler = batch_sampler
            self.batch_size = None
            self.drop_last = False
            return
        if batch_size is None:
            raise ValueError("batch_size=None (items without batches): go through the data set itself")
        if sampler is not None and shuffle:
            raise ValueError("sampler and shuffle=True both say in which order to load: pass one of them")
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        self.batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        if drop_last and len(dataset) < batch_size:
            warnings.warn(
                f"this loader gives no batch: drop_last=True, and {len(dataset)} items are fewer than "
                f"batch_size={batch_size}",
                stacklevel=2,
            )

    def __iter__(self) -> Iterator[Any]:
        for indices in self.batch_sampler:
            batch = whole_batch(self.dataset, indices) if self.collate_fn is default_collate else None
            yield self.collate_fn([self.dataset[i] for i in indices]) if batch is None else batch

    def __len__(self) -> int:
        return len(self.batch_sampler)  # type: ignore[arg-type]  # a sampler without a length says so itself


def _check_dataset(dataset: Any) -> None:
    for method in ("__getitem__", "__len__"):
        if not hasattr(dataset, method):
            raise TypeError(
                f"DataLoader: the data set, of type {type(dataset).__name__}, has no {method}. It must be "
                "possible to ask it for item i and for its length; make a list of a stream first"
            )
    if len(dataset) == 0:
        raise ValueError("DataLoader: the data set is empty, so a loop over its batches would do nothing")
