"""Each rank's own part of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad import arguments
from minigrad.data.sampler import length_of
from minigrad.distributed import get_rank, get_world_size
from minigrad.random import Generator
from minigrad.tensors.draws import randperm


class DistributedSampler:
    """The numbers of the items that are this rank's: every ``num_replicas``-th, from a shuffle that all ranks share.

    All ranks get equally many: where the items don't divide, the first are given out once more, or with
    ``drop_last`` the last are left out. Call ``set_epoch`` before each epoch, or all have the same order.

    Parameters
    ----------
    dataset
        A data set.
    num_replicas, rank
        How many ranks there are, and which this is; by default those of the process group.
    shuffle
        Whether the order is random.
    seed
        Of the shuffle; the same on all ranks.
    drop_last
        Leave items out, and give none out twice.

    Raises
    ------
    ValueError
        For a rank that isn't there.
    TypeError
        For a data set without a length, or numbers that are none.

    Examples
    --------
    >>> from minigrad.utils.data.distributed import DistributedSampler
    >>> [list(DistributedSampler(range(5), num_replicas=2, rank=r, shuffle=False)) for r in range(2)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        replicas = get_world_size() if num_replicas is None else num_replicas
        self.num_replicas = arguments.integer("DistributedSampler", "num_replicas", replicas, least=1)
        self.rank = arguments.integer("DistributedSampler", "rank", get_rank() if rank is None else rank)
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {self.rank}, rank should be in the interval [0, {self.num_replicas - 1}]")
        self.dataset = dataset
        self.shuffle = arguments.flag("DistributedSampler", "shuffle", shuffle)
        self.seed = arguments.integer("DistributedSampler", "seed", seed)
        self.drop_last = arguments.flag("DistributedSampler", "drop_last", drop_last)
        self.epoch = 0
        items, ranks = length_of("DistributedSampler", "dataset", dataset), self.num_replicas
        self.num_samples = items // ranks if drop_last else -(-items // ranks)
        self.total_size = self.num_samples * ranks

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; the same number must be given on all ranks."""
        self.epoch = arguments.integer("set_epoch", "epoch", epoch)

    def __iter__(self) -> Iterator[int]:
        items = len(self.dataset)
        order = list(range(items))
        if self.shuffle:
            order = randperm(items, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        return (order[i % items] for i in range(self.rank, self.total_size, self.num_replicas))

    def __len__(self) -> int:
        return self.num_samples
