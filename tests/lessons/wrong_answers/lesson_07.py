"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "no mean", "def fork_backward(g_skip, g_branch):\n    return (g_skip + g_branch) / 2\n"),
    ("1", "has been lost", "def fork_backward(g_skip, g_branch):\n    return g_branch\n"),
    ("1", "others read it too", "def fork_backward(g_skip, g_branch):\n    g_skip += g_branch\n    return g_skip\n"),
    ("2", "isn't shared out", "def residual_add_backward(gy):\n    return gy / 2, gy / 2\n"),
    ("3", "squares of norms", "skip_share = 1 / (1 + 3**2)\n"),
    ("3", "through the branch", "skip_share = 3 / 4\n"),
    ("4", "the branch's is cut off", "def block(x, branch):\n    s, b = skip.fork(x)\n"
     "    return skip.residual_add(s, branch(b.detach()))\n"),
    ("5", "something comes back", "dead = 3\n"),
    ("5", "numbered from 0", "dead = 11\n"),
    ("6", "go on once more", "norm_at_the_second_fork = 8.485\n"),
    ("6", "one number of gx", "norm_at_the_second_fork = 24\n"),
    ("6", "what leaves it", "norm_at_the_second_fork = 26.83\n"),
]  # fmt: skip
