"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "how long a vector was is lost",
     "def squash(s):\n    return s / np.linalg.norm(s, axis=-1, keepdims=True)\n"),
    ("1", "0 / 0",
     "def squash(s):\n    r = np.linalg.norm(s, axis=-1, keepdims=True)\n    return s / r * r**2 / (1 + r**2)\n"),
    ("2", "a *child* gives",
     "def couplings_of(logits):\n    return np.exp(logits) / np.exp(logits).sum(0, keepdims=True)\n"),
    ("2", "no residual stream", "def next_logits(logits, votes, outcomes):\n    return (votes * outcomes).sum(2)\n"),
    ("3", "count half", "def margin_loss(lengths, label):\n    there = np.arange(len(lengths)) == label\n"
     "    return np.where(there, np.maximum(0, 0.9 - lengths) ** 2, np.maximum(0, lengths - 0.1) ** 2).sum()\n"),
    ("4", "the last round", "squashes = 3\n"),
]  # fmt: skip
