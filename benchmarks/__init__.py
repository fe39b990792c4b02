"""minigrad beside its peers: whole training steps, with the same weights, in one process.

``python -m benchmarks`` prints a table; see ``benchmarks/README.md``.
"""
