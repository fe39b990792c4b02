"""Zoo 3. A hook halves the gradient, and a quarter arrives.

h is used twice; its hook is to act once, on the whole gradient.
Find it: python -m pdb lessons/zoo/03_double_hook.py, then b halve.
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


def backward(end, hooks):
    """The gradient of `end` by everything; `hooks` change the gradient of a value on its way."""
    grads = {end: 1.0}
    for value in reversed(order_of(end)):
        if value in hooks:
            grads[value] = hooks[value](grads[value])
        for source, slope in value.made_of:
            sent = slope * grads[value]
            if source in hooks:
                sent = hooks[source](sent)
            grads[source] = grads.get(source, 0.0) + sent
    return grads


def halve(gradient):
    """A hook."""
    return gradient / 2


def gradient(first, second):
    """The gradient of first * h + second * h by x, where h = x + 1 has a hook that halves."""
    x = Value(3.0)
    h = x + Value(1.0)
    y = h * Value(first) + h * Value(second)
    return backward(y, {h: halve})[x]


if __name__ == "__main__":
    print("says", gradient(4.0, 6.0), "right is 5.0")
