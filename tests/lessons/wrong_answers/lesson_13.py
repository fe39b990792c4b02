"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "an *addition* copies", "def concat_backward(gy, skip_channels):\n    return gy, gy\n"),
    ("1", "whose channels are whose", "def concat_backward(gy, skip_channels):\n    n = gy.shape[1] - skip_channels\n"
     "    return gy[:, :n], gy[:, n:]\n"),
    ("2", "has routes of its own", "def routes(layer):\n    return layer\n"),
    ("2", "one route", "def routes(layer):\n    return 2**layer\n"),
    ("3", "below and right", "def pad_to(x, height, width):\n"
     "    return np.pad(x, ((0, 0), (0, 0), (height - x.shape[2], 0), (width - x.shape[3], 0)))\n"),
    ("4", "the smaller one", "largest_share = min(row.skip_share for row in ledger)\n"),
    ("4", "that is a norm", "largest_share = max(row.norm_skip for row in ledger)\n"),
]  # fmt: skip
