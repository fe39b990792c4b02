"""Collectives with a backward, under the names of ``torch.distributed.nn``."""

from minigrad.distributed.nn import functional, nodes

__all__ = ["functional", "nodes"]
