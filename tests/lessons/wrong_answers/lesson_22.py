"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "find first", "def inverse(y1, y2, f, g):\n    return y1 - f(y2), y2 - g(y1)\n"),
    ("2", "reaches y1", "def backward(g1, g2, a, b):\n    return g1, g2 + a * g1\n"),
    ("2", "more than g1", "def backward(g1, g2, a, b):\n    return g1 + b * g2, g2 + a * g1\n"),
    ("3", "doesn't grow", "at_40 = 12\n"),
    ("3", "plain net's", "at_40 = 120\n"),
    ("4", "another block", "def block(x1, x2, f, g):\n    return x1 + f(x2), x2 + g(x1)\n"),
]
