"""Data sets, and the loader that makes batches of them."""

from minigrad.data.augment import crop, hflip, random_crop, random_hflip
from minigrad.data.collate import default_collate
from minigrad.data.dataset import Dataset, Subset, TensorDataset, random_split
from minigrad.data.download import DownloadError, cache_dir
from minigrad.data.driving import ROAD_CLASSES, roads
from minigrad.data.handwritten import digits, digits_arrays
from minigrad.data.images import cifar10, cifar10_arrays, mnist, mnist_arrays
from minigrad.data.loader import DataLoader
from minigrad.data.microscopy import nuclei
from minigrad.data.mri import BRAIN_CLASSES, brain, brain_arrays
from minigrad.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from minigrad.data.sequences import adding_problem, copy_task, text

__all__ = [
    "BRAIN_CLASSES",
    "ROAD_CLASSES",
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "DownloadError",
    "RandomSampler",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "adding_problem",
    "brain",
    "brain_arrays",
    "cache_dir",
    "cifar10",
    "cifar10_arrays",
    "copy_task",
    "crop",
    "default_collate",
    "digits",
    "digits_arrays",
    "hflip",
    "mnist",
    "mnist_arrays",
    "nuclei",
    "random_crop",
    "random_hflip",
    "random_split",
    "roads",
    "text",
]
