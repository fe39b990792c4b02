"""Typical wrong answers: which check, a part of the hint that it gets, and the code that replaces the right one."""

WRONG = [
    ("1", "from the *first* on", "def pad_shortcut(x, out_channels):\n    y = x[:, :, 1::2, 1::2]\n"
     "    return np.pad(y, ((0, 0), (0, out_channels - x.shape[1]), (0, 0), (0, 0)))\n"),
    ("1", "(1, 3, 2, 2)", "def pad_shortcut(x, out_channels):\n    return x[:, :, ::2, ::2]\n"),
    ("2", "what do they get", "def pad_shortcut_backward(gy, channels):\n"
     "    return gy[:, :channels].repeat(2, 2).repeat(2, 3)\n"),
    ("3", "how many weights", "def projection_cost(in_channels, out_channels, height, width, stride):\n"
     "    return in_channels * out_channels\n"),
    ("3", "in height and in width", "def projection_cost(in_channels, out_channels, height, width, stride):\n"
     "    return in_channels * out_channels * height * width // stride\n"),
    ("4", "in force while backward ran",
     "x.grad = None\nnet(x).square().sum().backward()\nx_over_the_skips = x.grad\n"),
]  # fmt: skip
