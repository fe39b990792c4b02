"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "aren't summed", "factor = 0.9 * 20\n"),
    ("1", "one step", "factor = 0.9\n"),
    ("2", "*old* state", "def new_state(u, n, h):\n    return u * n + (1 - u) * h\n"),
    ("2", "goes out", "def new_state(u, n, h):\n    return n + u * h\n"),
    ("3", "a gate weighs", "def over_the_skip(gy, u):\n    return gy\n"),
    ("3", "to the candidate", "def over_the_skip(gy, u):\n    return gy * (1 - u)\n"),
    ("4", "by all routes", "def direct_part(last, first):\n    return inspect.path_lengths(last, wrt=first).total\n"),
]
