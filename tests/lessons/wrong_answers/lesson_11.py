"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "the skip gets the rest", "def over_the_skips(b, n):\n    return (1 / (1 + math.exp(-b))) ** n\n"),
    ("1", "one layer's", "def over_the_skips(b, n):\n    return 1 - 1 / (1 + math.exp(-b))\n"),
    ("2", "one skip's", "over_54 = 0.9\n"),
    ("2", "a factor of 0.5", "over_54 = 0.5**54\n"),
    ("3", "as it is", "def drop_add(skip, branch, kept, p):\n    return skip + kept * branch\n"),
    ("3", "probability of *dropping*", "def drop_add(skip, branch, kept, p):\n    return skip + kept * branch / p\n"),
    ("4", "square of the mean", "def mean_square(a, p, blocks):\n    return (1 + a) ** (2 * blocks)\n"),
]
