"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "those are the keys", "numbers = 12 * 10 * 768\n"),
    ("1", "one layer", "numbers = 2 * 10 * 768\n"),
    ("2", "a mean and no sum", "def mixed(content, prefix, m):\n    return content + prefix\n"),
    ("2", "wrong way round", "def mixed(content, prefix, m):\n    return m * content + (1 - m) * prefix\n"),
    ("2", "turned down as well", "def mixed(content, prefix, m):\n    return content + m * prefix\n"),
    ("3", "everything is frozen", "def freeze(model, kept):\n    return model.requires_grad_(False)\n"),
    ("3", "nothing is frozen", "def freeze(model, kept):\n    return model\n"),
    ("4", "from every word", "second = 0.2\n"),
    ("4", "not the difference", "second = -0.1\n"),
]
