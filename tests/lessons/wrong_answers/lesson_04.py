"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    (
        "1",
        "yours is its transpose",
        "def dense_backward(gy, x, w):\n    return gy @ w, x.T @ gy, gy.sum(0)\n",
    ),
    ("1", "not averaged", "def dense_backward(gy, x, w):\n    return gy @ w, gy.T @ x, gy.mean(0)\n"),
    ("2", "to one side only", "def best_step(rounding):\n    return rounding**0.5\n"),
    ("2", "both precisions", "def best_step(rounding):\n    return 1e-6\n"),
    (
        "3",
        "don't average",
        "def bias_relu_backward(gy, out):\n    g = np.where(out > 0, gy, 0)\n    return g, g.mean(0)\n",
    ),
]
