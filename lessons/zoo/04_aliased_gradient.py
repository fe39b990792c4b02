"""Zoo 4. The branch is right, and the skip is not.

The block x + 2 x has the gradient 3; this says 4.
Find it: minigrad step lessons/zoo/04_aliased_gradient.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import numpy as np

import minigrad as mg
from minigrad import skip
from minigrad.engine import Node


class Times(Node):
    """x times a number."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, x):
        return self.number * x

    def backward(self, gy):
        gy *= self.number
        return gy


def gradient(number):
    """The gradient of x + number * x."""
    x = mg.tensor([1.0, -1.0], dtype=mg.float64, requires_grad=True)
    s, b = skip.fork(x)
    skip.residual_add(s, Times(number)(b)).backward(np.ones(2))
    return x.grad.array


if __name__ == "__main__":
    print("says", gradient(2.0), "right is [3. 3.]")
