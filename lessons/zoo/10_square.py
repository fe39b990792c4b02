"""Zoo 10. All shapes fit, and the weights learn the wrong thing.

y = x @ w, with as many images as features: that hides it.
Find it: minigrad step lessons/zoo/10_square.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import numpy as np

import minigrad as mg
from minigrad.engine import Node


class Product(Node):
    """x @ w."""

    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w

    def backward(self, gy):
        return gy @ self.w.T, self.x @ gy


def gradients(x, w, gy):
    """The gradients of x and w."""
    x, w = (mg.tensor(v, dtype=mg.float64, requires_grad=True) for v in (x, w))
    Product()(x, w).backward(np.asarray(gy))
    return x.grad.array, w.grad.array


if __name__ == "__main__":
    gx, gw = gradients([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]])
    print("says of w", gw.tolist(), "right is [[1.0, 0.0], [2.0, 0.0]]")
