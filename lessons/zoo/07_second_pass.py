"""Zoo 7. Right at first, wrong when asked again.

Two passes over one graph: the gradient of x is to be 6, and after the second pass 12.
Find it: python -m pdb lessons/zoo/07_second_pass.py, then b backward; p the .grad of what is between x and the end.
Mend the engine in your copy, then run: minigrad check zoo
"""


class Value:
    """A number that remembers what it was made of: pairs of an input and the local slope."""

    def __init__(self, data, made_of=()):
        self.data = data
        self.made_of = made_of
        self.grad = 0.0

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
    """Add to `.grad` of the leaves, as often as it is called."""
    end.grad = 1.0
    for value in reversed(order_of(end)):
        for source, slope in value.made_of:
            source.grad += slope * value.grad


def gradients(passes):
    """What stands in x.grad after each pass over 2 * (3 * x)."""
    x = Value(1.0)
    y = (x * Value(3.0)) * Value(2.0)
    found = []
    for _ in range(passes):
        backward(y)
        found.append(x.grad)
    return found


if __name__ == "__main__":
    print("says", gradients(3), "right is [6.0, 12.0, 18.0]")
