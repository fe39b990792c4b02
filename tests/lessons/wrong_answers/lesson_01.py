"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "multiplied in", "def sin_backward(gy, x):\n    return np.cos(x)\n"),
    ("1", "the sign", "def sin_backward(gy, x):\n    return -gy * np.cos(x)\n"),
    (
        "2",
        "yours got itself",
        "def gradients(w, x, b):\n    g = 2 * (w * x + b)\n    return g * w, g * x, g\n",
    ),
    ("2", "is not z", "def gradients(w, x, b):\n    g = w * x + b\n    return g * x, g * w, g\n"),
    ("3", "doesn't go away", "def quotient_backward(gy, a, b):\n    return gy / b, -gy / b**2\n"),
]
