"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "two negative sides",
     "def iou(a, b):\n    s = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))\n"
     "    return s / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - s)\n"),
    ("1", "once, not twice",
     "def iou(a, b):\n    w = max(min(a[2], b[2]) - max(a[0], b[0]), 0)\n"
     "    h = max(min(a[3], b[3]) - max(a[1], b[1]), 0)\n"
     "    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]))\n"),
    ("2", "to the right of right",
     "def flip_boxes(boxes, width):\n    b = np.array(boxes)\n    b[:, ::2] = width - b[:, ::2]\n    return b\n"),
    ("3", "drops nobody",
     "def suppress(overlaps, scores, threshold):\n    order = sorted(range(len(scores)), key=lambda i: -scores[i])\n"
     "    return [i for n, i in enumerate(order) if all(overlaps[i][k] <= threshold for k in order[:n])]\n"),
    ("3", "only *more*", "def suppress(overlaps, scores, threshold):\n    kept = []\n"
     "    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):\n"
     "        if all(overlaps[i][k] < threshold for k in kept):\n            kept.append(i)\n    return kept\n"),
    ("4", "the backbone's", "joins = 6\n"),
]  # fmt: skip
