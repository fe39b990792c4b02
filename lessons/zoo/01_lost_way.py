"""Zoo 1. It says 6 where 21 is right.

The gradient of x**2 + 15 x at x = 3.
Find it: python -m pdb lessons/zoo/01_lost_way.py, then b backward.
Mend the engine in your copy, then run: minigrad check zoo
"""


class Value:
    """A number that remembers what it was made of: pairs of an input and the local slope."""

    def __init__(self, data, made_of=()):
        self.data = data
        self.made_of = made_of

    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))


def order_of(end):
    """All values that `end` depends on, each after everything it was made of."""
    order, seen = [], set()

    def visit(value):
        if value not in seen:
            seen.add(value)
            for source, _ in value.made_of:
                visit(source)
            order.append(value)

    visit(end)
    return order


def backward(end):
    """The gradient of `end` by everything that it depends on, the latest value first."""
    grads = {end: 1.0}
    for value in reversed(order_of(end)):
        for source, slope in value.made_of:
            grads[source] = slope * grads[value]
    return grads


def gradient(number):
    """The gradient of 15 x + x**2."""
    x = Value(number)
    squared = Value(x.data**2, ((x, 2 * x.data),))
    return backward(squared + x * Value(15.0))[x]


if __name__ == "__main__":
    print("says", gradient(3.0), "right is 21")
