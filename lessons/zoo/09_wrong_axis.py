"""Zoo 9. Right for one image, wrong for a batch.

Softmax turns each row into shares; if all logits of a row rise alike, nothing changes.
Find it: minigrad step lessons/zoo/09_wrong_axis.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import numpy as np

import minigrad as mg
from minigrad.engine import Node


class Softmax(Node):
    """Each row as shares that sum to 1."""

    def forward(self, x):
        powers = np.exp(x - x.max(1, keepdims=True))
        self.y = powers / powers.sum(1, keepdims=True)
        return self.y

    def backward(self, gy):
        return self.y * (gy - (gy * self.y).sum(0, keepdims=True))


def gradient(logits, gy):
    """The gradient of the logits, for the gradient gy of their softmax."""
    x = mg.tensor(logits, dtype=mg.float64, requires_grad=True)
    Softmax()(x).backward(np.asarray(gy))
    return x.grad.array


if __name__ == "__main__":
    found = gradient([[0.0, 1.0], [2.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]])
    print("says", found.round(3).tolist(), "right is [[0.197, -0.197], [0.0, 0.0]]")
