"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "length 1", "def filter_normalised(d, w):\n    return d / np.linalg.norm(d, axis=1, keepdims=True)\n"),
    ("1", "as a whole", "def filter_normalised(d, w):\n    return d / np.linalg.norm(d) * np.linalg.norm(w)\n"),
    ("2", "relu(c z) is c relu(z)", "def rescale(w1, w2, c):\n    return c * w1, w2\n"),
    ("3", "what could part them", "plain_twins_stay = False\n"),
    ("3", "differ too", "skip_twins_stay = True\n"),
    ("4", "not 0", "twins_differ_by = np.abs(out.array[:, 0] - out.array[:, 1]).max()\n"),
]  # fmt: skip
