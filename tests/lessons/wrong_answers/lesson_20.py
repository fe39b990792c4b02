"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "plain mean", "def whole_gradient(sizes, gradients):\n    return sum(gradients) / len(gradients)\n"),
    ("1", "that is the sum", "def whole_gradient(sizes, gradients):\n    return sum(gradients)\n"),
    (
        "1",
        "a mean over all samples",
        "def whole_gradient(sizes, gradients):\n    return sum(n * g for n, g in zip(sizes, gradients))\n",
    ),
    ("2", "f: each rank saw a part", "def backward_of_f(grads):\n    return grads\n"),
    ("2", "aren't averaged", "def backward_of_f(grads):\n    return [sum(grads) / len(grads)] * len(grads)\n"),
    ("2", "counts once", "def backward_of_g(grads):\n    return [sum(grads)] * len(grads)\n"),
    ("2", "nothing is divided", "def backward_of_g(grads):\n    return [g / len(grads) for g in grads]\n"),
    ("3", "who does the other half", "def order_of(rank):\n    return ['send', 'receive']\n"),
    ("4", "count the turns again", "microbatches = 30\n"),
    ("4", "fewer will do", "microbatches = 32\n"),
    ("4", "still larger", "microbatches = 8\n"),
    ("5", "how many forwards", "kept_by_gpipe = 4\n"),
    ("5", "when does its first backward", "kept_by_1f1b = 8\n"),
    ("5", "once the pipeline is full", "kept_by_1f1b = 1\n"),
]
