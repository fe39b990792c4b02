"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "squares of norms", "def contributions(parts):\n    return [float((p * p).sum()) for p in parts]\n"),
    ("2", "own branch", "longest = 6\n"),
    ("2", "comes from the loss", "longest = 4\n"),
    ("3", "divide by", "def mean_length(matrices, gradients, x, gx):\n"
     "    return sum((w * g).sum() for w, g in zip(matrices, gradients))\n"),
    ("4", "the whole gradient", "def short_gradient(bill, name):\n    return bill[name].total\n"),
]  # fmt: skip
