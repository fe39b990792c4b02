"""Zoo 8. The second loss has the gradient of another weight.

Two losses from one weight; between their passes, the weight makes a step.
Find it: minigrad step lessons/zoo/08_changed_weight.py; n goes to the next node, p shows a gradient, l the rule.
Mend the engine in your copy, then run: minigrad check zoo
"""

import minigrad as mg
from minigrad.engine import Node


class Product(Node):
    """x * w."""

    def forward(self, x, w):
        return x * w

    def backward(self, gy):
        x, w = (tensor.array for tensor in self.inputs)
        return gy * w, gy * x


def gradient(weight, step):
    """The gradient by x of x * w, where w was changed between forward and backward."""
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    w = mg.tensor([weight], dtype=mg.float64, requires_grad=True)
    y = Product()(x, w)
    with mg.no_grad():
        w += step
    y.backward()
    return x.grad.item()


if __name__ == "__main__":
    print("says", gradient(2.0, 5.0), "right is 2.0: y was computed with that weight")
