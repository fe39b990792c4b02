"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "all routes", "routes = 2**10\n"),
    ("1", "order doesn't matter", "routes = 10 * 9 * 8\n"),
    ("2", "one route", "def gradient_of_length(n, k, a):\n    return a**k\n"),
    (
        "3",
        "belongs to the next length",
        "def through_block(arrived, back):\n    return [g + back(g) for g in arrived]\n",
    ),
    (
        "3",
        "what went over the skip",
        "def through_block(arrived, back):\n    return [0 * arrived[0], *map(back, arrived)]\n",
    ),
    ("4", "one tenth", "part_left = 0.9\n"),
    ("5", "finds 0 blocks", "def my_loss():\n    return mg.ones(2, requires_grad=True).sum()\n"),
    ("5", "not in per cent", "my_skip_share = 100 * my_skip_share\n"),
    (
        "5",
        "seed it",
        "def my_loss():\n    blocks = [nn.Residual(nn.Linear(4, 4)) for _ in range(2)]\n"
        "    return nn.Sequential(*blocks)(mg.ones(2, 4, requires_grad=True)).sum()\n",
    ),
]
