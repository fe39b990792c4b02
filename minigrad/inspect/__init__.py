"""Watching a backward pass."""
