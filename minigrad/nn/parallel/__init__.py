"""Training on several processes, under the names of ``torch.nn.parallel``."""

from minigrad.nn.parallel.distributed import DistributedDataParallel
from minigrad.nn.parallel.one_device import DataParallel

__all__ = [
    "DataParallel",
    "DistributedDataParallel",
]
