"""Numba-compiled functions on plain arrays, each with its NumPy reference; they know nothing of graphs."""

from minigrad.kernels.memory import keep_freed_memory

keep_freed_memory()
