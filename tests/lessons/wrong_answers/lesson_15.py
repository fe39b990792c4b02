"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "one skip a layer", "routes = 2**4\n"),
    ("1", "number of skips", "routes = 8\n"),
    ("2", "may a place see itself", "def may_see(length):\n    return np.tri(length, k=-1, dtype=bool)\n"),
    ("2", "what comes later", "def may_see(length):\n    return np.triu(np.ones((length, length), bool))\n"),
    ("3", "post-norm", "def sublayer(x, norm, branch):\n    return norm(x + branch(x))\n"),
    ("3", "where is the skip", "def sublayer(x, norm, branch):\n    return branch(norm(x))\n"),
    ("3", "skip.residual_add", "def sublayer(x, norm, branch):\n    return x + branch(norm(x))\n"),
    (
        "4",
        "the first one",
        "def strongest_branch(loss):\n    return inspect.trace(loss, retain_graph=True).ledger()[0].name\n",
    ),
]
