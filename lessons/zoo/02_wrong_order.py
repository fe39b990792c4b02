"""Zoo 2. Right on one block, wrong on two.

Each block is x + 2 x; the gradient of two is 9.
Find it: python -m pdb lessons/zoo/02_wrong_order.py, then b backward; print what the queue holds.
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


def backward(end):
    """The gradient of `end` by everything that it depends on: from the end on, what comes first goes first."""
    grads, queue = {end: 1.0}, [end]
    while queue:
        value = queue.pop(0)
        for source, slope in value.made_of:
            if source not in grads:
                queue.append(source)
            grads[source] = grads.get(source, 0.0) + slope * grads[value]
    return grads


def gradient(blocks):
    """The gradient of that many blocks x + 2 x, one after the other."""
    x = y = Value(1.0)
    for _ in range(blocks):
        y = y + y * Value(2.0)
    return backward(y)[x]


if __name__ == "__main__":
    for blocks in (1, 2, 3):
        print(f"{blocks} blocks: says {gradient(blocks)}, right is {3**blocks}")
