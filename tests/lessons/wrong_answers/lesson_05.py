"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "negative logarithm", "def loss_of_guessing(classes):\n    return 1 / classes\n"),
    ("1", "in bits", "def loss_of_guessing(classes):\n    return np.log2(classes)\n"),
    ("2", "uphill", "def momentum_step(p, v, g, rate, m):\n    v = m * v + g\n    return p + rate * v, v\n"),
    (
        "2",
        "no factor",
        "def momentum_step(p, v, g, rate, m):\n    v = m * v + (1 - m) * g\n    return p - rate * v, v\n",
    ),
    (
        "3",
        "number of classes",
        "def cross_entropy_backward(p, labels):\n    return (p - np.eye(2)[labels]) / p.shape[1]\n",
    ),
]
