"""References in plain NumPy that are longer than a line: written for clarity, with loops."""

from __future__ import annotations

import numpy as np


def pair(n):
    return (n, n) if isinstance(n, int) else n


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kh, kw = w.shape[2:]
    rows = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    columns = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((x.shape[0], w.shape[0], rows, columns))
    for i in range(rows):
        for j in range(columns):
            patch = x[:, :, i * sh : i * sh + dh * kh : dh, j * sw : j * sw + dw * kw : dw][:, :, :kh, :kw]
            y[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return y if b is None else y + b.reshape(-1, 1, 1)


def conv_transpose2d(x, w, b, stride, padding, output_padding):
    n, _, height, width = x.shape
    kh, kw = w.shape[2:]
    full = np.zeros(
        (n, w.shape[1], (height - 1) * stride + kh + output_padding, (width - 1) * stride + kw + output_padding)
    )
    for i in range(height):
        for j in range(width):
            spread = np.einsum("nc,cohw->nohw", x[:, :, i, j], w)
            full[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += spread
    inner = full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
    return inner + b.reshape(-1, 1, 1)


def _windows(x, size, stride):
    rows, columns = ((n - size) // stride + 1 for n in x.shape[2:])
    return np.array(
        [
            [x[:, :, i * stride : i * stride + size, j * stride : j * stride + size] for j in range(columns)]
            for i in range(rows)
        ]
    ).transpose(2, 3, 0, 1, 4, 5)


def max_pool2d(x, size, stride):
    return _windows(x, size, stride).max((-1, -2))


def avg_pool2d(x, size, stride):
    return _windows(x, size, stride).mean((-1, -2))


def bilinear(x, rows, columns):
    """With the corners aligned."""

    def along(x, axis, n):
        places = np.linspace(0, x.shape[axis] - 1, n)
        low = np.minimum(places.astype(int), x.shape[axis] - 2)
        share = (places - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        return np.take(x, low, axis) * (1 - share) + np.take(x, low + 1, axis) * share

    return along(along(x, 2, rows), 3, columns)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def cross_entropy(x, labels):
    return -np.log(softmax(x, 1))[np.arange(len(labels)), labels].mean()


def normalised(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, h, c, w, b):
    i, f, g, o = np.split(x + h @ w.T + b, 4, 1)
    new = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(new), new


def gru_step(x, h, w, b):
    (xr, xz, xn), (hr, hz, hn) = np.split(x, 3, 1), np.split(h @ w.T + b, 3, 1)
    r, z = _sigmoid(xr + hr), _sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + r * hn) + z * h
