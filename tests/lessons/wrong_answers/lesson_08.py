"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "*square* counts", "def growth(a, blocks):\n    return (1 + 2 * a) ** blocks\n"),
    ("1", "the skip brings", "def growth(a, blocks):\n    return (1 + a) ** blocks\n"),
    ("1", "are their factors added up", "def growth(a, blocks):\n    return (1 + 2 * a**2) * blocks\n"),
    ("2", "count for nothing", "def scale_for(blocks):\n    return 1 / blocks**2\n"),
    ("2", "fixed scale", "def scale_for(blocks):\n    return 0.1\n"),
    ("3", "for the branch alone", "def skipinit(x, branch, a):\n    s, b = skip.fork(x)\n"
     "    return a * skip.residual_add(s, branch(b))\n"),
    ("3", "use skip.fork", "def skipinit(x, branch, a):\n    return x + a * branch(x)\n"),
    ("4", "could never leave 0", "a_gets_one = False\n"),
]  # fmt: skip
