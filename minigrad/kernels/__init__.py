"""Numba-compiled functions on plain arrays, each with its NumPy reference; they know nothing of graphs."""
