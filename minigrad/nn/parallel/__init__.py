"""Training on several processes, under the names of ``torch.nn.parallel``."""

from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
