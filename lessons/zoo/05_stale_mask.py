"""Zoo 5. A layer that is right once, and wrong twice.

The same ReLU is applied to x and to -x, so the gradient of relu(x) + relu(-x) is the sign of x.
Find it: minigrad step lessons/zoo/05_stale_mask.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import numpy as np

import minigrad as mg
from minigrad.engine import Node


class ReLU:
    """A layer without parameters."""

    def __call__(self, x):
        self.mask = x.array > 0
        return Masked(self)(x)


class Masked(Node):
    """x where the layer's mask is on, else 0."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return x * self.layer.mask

    def backward(self, gy):
        return gy * self.layer.mask


def gradient(numbers):
    """The gradient of relu(x) + relu(-x)."""
    x = mg.tensor(numbers, dtype=mg.float64, requires_grad=True)
    relu = ReLU()
    (relu(x) + relu(-x)).backward(np.ones(len(numbers)))
    return x.grad.array


if __name__ == "__main__":
    print("says", gradient([2.0, -3.0]), "right is [ 1. -1.]")
