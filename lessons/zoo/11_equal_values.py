"""Zoo 11. It is right, unless two numbers happen to be equal.

The gradient of x * (y + 1) + y by y, at x = 2 and y = 5: 3. At x = 6 it is to be 7.
Find it: python -m pdb lessons/zoo/11_equal_values.py, then b order_of; p [v.data for v in order].
Mend the engine in your copy, then run: minigrad check zoo
"""


class Value:
    """A number that remembers what it was made of: pairs of an input and the local slope."""

    def __init__(self, data, made_of=()):
        self.data = data
        self.made_of = made_of

    def __eq__(self, other):
        return self.data == other.data

    __hash__ = object.__hash__

    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))


def order_of(end):
    """All values that `end` depends on, each after everything it was made of."""
    order = []

    def visit(value):
        if value not in order:
            for source, _ in value.made_of:
                visit(source)
            order.append(value)

    visit(end)
    return order


def backward(end):
    """The gradient of `end` by everything, by the value's identity."""
    grads = {id(end): 1.0}
    for value in reversed(order_of(end)):
        for source, slope in value.made_of:
            grads[id(source)] = grads.get(id(source), 0.0) + slope * grads.get(id(value), 0.0)
    return grads


def gradient(x, y):
    """The gradient of x * (y + 1) + y by y."""
    x, y = Value(x), Value(y)
    return backward(x * (y + Value(1.0)) + y)[id(y)]


if __name__ == "__main__":
    print("says", gradient(2.0, 5.0), "right is 3.0")
    print("says", gradient(6.0, 5.0), "right is 7.0")
