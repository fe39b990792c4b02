"""Data sets, and the loader that makes batches of them."""

from __future__ import annotations

from minigrad.data.collate import default_collate
from minigrad.data.dataset import Dataset, Subset, TensorDataset, random_split
from minigrad.data.download import DownloadError, cache_dir
from minigrad.data.handwritten import digits, digits_arrays
from minigrad.data.images import cifar10, cifar10_arrays, mnist, mnist_arrays
from minigrad.data.loader import DataLoader
from minigrad.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from minigrad.data.sequences import adding_problem, copy_task, text

__all__ = [
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "DownloadError",
    "RandomSampler",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "adding_problem",
    "cache_dir",
    "cifar10",
    "cifar10_arrays",
    "copy_task",
    "default_collate",
    "digits",
    "digits_arrays",
    "mnist",
    "mnist_arrays",
    "random_split",
    "text",
]
