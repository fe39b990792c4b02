"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "whose slope at y = 0 is 0", "def tanh_backward(gy, y):\n    return gy * y * (1 - y)\n"),
    ("1", "what did the chain rule do", "def tanh_backward(gy, y):\n    return 1 - y**2\n"),
    ("2", "are not added up", "def most_through_sigmoids(depth):\n    return 0.25 * depth\n"),
    ("2", "what is its slope", "def most_through_sigmoids(depth):\n    return 0.5**depth\n"),
    ("3", "ReLU drops half", "def he_weights(rng, i, o):\n    return rng.normal(0.0, i**-0.5, (o, i))\n"),
    ("4", "holds for the mean", "median_net = 'equal'\n"),
    ("5", "makes nothing larger", "explodes_in = 13\n"),
    ("5", "gets a gradient of", "explodes_in = 12\n"),
    ("5", "no such module", "explodes_in = 40\n"),
]
