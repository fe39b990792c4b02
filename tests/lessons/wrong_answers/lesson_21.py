"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "goes forward", "def mix_backward(H, gY):\n    return H @ gY\n"),
    ("2", "takes the rows", 'kept = "gradients"\n'),
    ("2", "one of the two", 'kept = "both"\n'),
    ("3", "now the columns", "def sinkhorn(H, rounds=20):\n    return H / H.sum(1, keepdims=True)\n"),
    ("4", "its inverse", "def effective(energies):\n    return (energies**2).sum() / energies.sum() ** 2\n"),
    ("4", "above the line", "def effective(energies):\n    return energies.sum() / (energies**2).sum()\n"),
]
