"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "that is the truth", "broken_says = 4\n"),
    ("1", "a value of its own", "broken_says = 7\n"),
    (
        "2",
        "asked is its reverse",
        "_right = order_of\n\n\ndef order_of(made_of, end):\n    return _right(made_of, end)[::-1]\n",
    ),
    ("2", "doesn't depend on all", "def order_of(made_of, end):\n    return list(made_of)\n"),
    ("3", "added, or multiplied", "def routes(blocks):\n    return 2 * blocks\n"),
]
