"""Zoo 6. A bias that grows an axis.

After one step of training the bias of shape (2,) has shape (3, 2).
Find it: python -m pdb lessons/zoo/06_missing_unbroadcast.py, then b Add.backward; p gy.shape.
Mend the engine in your copy, then run: minigrad check zoo
"""

import numpy as np


class Add:
    """x + b: a batch of rows, and one bias for all."""

    def forward(self, x, b):
        return x + b

    def backward(self, gy):
        """The gradients of x and of b."""
        return gy, gy


def step(x, b, target, rate):
    """The bias after one step against the gradient of half the sum of squares of x + b - target."""
    add = Add()
    gy = add.forward(x, b) - target
    _, gb = add.backward(gy)
    return b - rate * gb


if __name__ == "__main__":
    x, b = np.arange(6.0).reshape(3, 2), np.array([1.0, -1.0])
    print("says", step(x, b, 0 * x, 0.1).tolist(), "right is [0.1, -1.6]")
