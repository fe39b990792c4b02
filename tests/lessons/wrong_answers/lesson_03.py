"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "overwrites the others", "def fork_backward(grads):\n    return grads[-1]\n"),
    ("1", "that is the mean", "def fork_backward(grads):\n    return sum(grads) / len(grads)\n"),
    (
        "1",
        "+= does so",
        "def fork_backward(grads):\n    gx = grads[0]\n    for g in grads[1:]:\n        gx += g\n    return gx\n",
    ),
    (
        "2",
        "where did the skips go",
        "def slope_of_stack(slopes):\n    p = 1.0\n    for s in slopes:\n        p *= s\n    return p\n",
    ),
    ("2", "two branches or more", "def slope_of_stack(slopes):\n    return 1 + sum(slopes)\n"),
    (
        "3",
        "another leaf may share it",
        "def arrived(before, gradient):\n"
        "    if before is None:\n"
        "        return gradient\n"
        "    before += gradient\n"
        "    return before\n",
    ),
]
