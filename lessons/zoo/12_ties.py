"""Zoo 12. A maximum that gives away more than it got.

If gy comes back to a maximum, gy leaves it, whoever gets it.
Find it: minigrad step lessons/zoo/12_ties.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import minigrad as mg
from minigrad.engine import Node


class Max(Node):
    """The largest of all numbers."""

    def forward(self, x):
        self.x = x
        return x.max()

    def backward(self, gy):
        return gy * (self.x == self.x.max())


def gradient(numbers):
    """The gradient of the largest number by each."""
    x = mg.tensor(numbers, dtype=mg.float64, requires_grad=True)
    Max()(x).backward()
    return x.grad.array


if __name__ == "__main__":
    print("says", gradient([1.0, 3.0, 3.0]), "which sums to 2; right is a sum of 1")
