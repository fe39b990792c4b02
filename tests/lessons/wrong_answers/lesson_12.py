"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "to what? The input is there too",
     "def variance_after(blocks, norm):\n    return blocks if norm else 3**blocks\n"),
    ("1", "the skip is there too", "def variance_after(blocks, norm):\n    return blocks + 1 if norm else 2**blocks\n"),
    ("2", "for constants", "def batch_norm_backward(gy, y, std):\n    return gy / std\n"),
    ("2", "the standard deviation depends",
     "def batch_norm_backward(gy, y, std):\n    return (gy - gy.mean(0)) / std\n"),
    ("3", "a ReLU follows", 'clear = ["original", "pre-activation"]\n'),
    ("3", "another matter", 'clear = ["relu first", "pre-activation"]\n'),
    ("4", "forward order", "first_share, last_share = last_share, first_share\n"),
]  # fmt: skip
