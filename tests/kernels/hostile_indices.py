"""Drive everything that indexes by data with indices that lie, change, or don't fit; run by ``test_memory.py``.

Memory next to the arrays isn't guarded, so much of it is written: a write outside shows as a crash, or as a
wrong answer in one of the checks that follow.
"""

from __future__ import annotations

import sys

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.kernels import boxes, classification, conv, elementwise, norm, optim, pool, scatter, softmax, sums

rng = np.random.default_rng()
HOSTILE = [10**6, -(10**6), 12, -13, 2**40, -(2**62), 2**63 - 1, -(2**63)]
ERRORS = ValueError, IndexError, TypeError, RuntimeError


def leaf(*shape):
    return mg.from_numpy(rng.standard_normal(shape)).requires_grad_()


# An index, and what is computed with it: its first argument is the leaf, of shape (6, 5).
OPERATIONS = {
    "embedding": ((4,), 6, lambda x, i: F.embedding(i, x)),
    "embedding by frequency": ((4,), 6, lambda x, i: F.embedding(i, x, padding_idx=1, scale_grad_by_freq=True)),
    "x[i]": ((4,), 6, lambda x, i: x[i]),
    "x[:, i]": ((4,), 5, lambda x, i: x[:, i]),
    "x[i, i]": ((4,), 5, lambda x, i: x[i, i]),
    "index_select": ((4,), 5, lambda x, i: x.index_select(1, i)),
    "gather": ((4, 5), 6, lambda x, i: x.gather(0, i)),
    "take_along_dim": ((4, 5), 6, lambda x, i: mg.take_along_dim(x, i, 0)),
    "scatter_add": ((6, 4), 5, lambda x, i: mg.zeros(6, 5, dtype=mg.float64).scatter_add(1, i, x)),
    "cross_entropy": ((6,), 5, lambda x, i: F.cross_entropy(x, i)),
    "cross_entropy, smoothed": ((6,), 5, lambda x, i: F.cross_entropy(x, i, label_smoothing=0.1, reduction="none")),
    "nll_loss": ((6,), 5, lambda x, i: F.nll_loss(x, i)),
}


def gradient(function, x, index, g, change):
    x.grad = None
    i = mg.from_numpy(index.copy())
    y = function(x, i)
    if change is not None:
        i.numpy()[...] = change
    y.backward(mg.from_numpy(g))
    return x.grad.numpy()


def main():
    rng.bit_generator.state = np.random.default_rng(int(sys.argv[1])).bit_generator.state
    for name, (shape, size, function) in OPERATIONS.items():
        x = leaf(6, 5)
        index = rng.integers(0, size, shape)
        g = rng.standard_normal(function(x, mg.from_numpy(index)).shape)
        expected = gradient(function, x, index, g, None)
        for wrong in HOSTILE:
            try:
                got = gradient(function, x, index, g, wrong)
            except ERRORS:
                pass
            else:
                np.testing.assert_array_equal(got, expected, err_msg=f"{name}, changed to {wrong}")
            for place in range(index.size):
                lying = index.copy()
                lying.flat[place] = wrong
                try:
                    y = function(x, mg.from_numpy(lying))
                    y.backward(mg.from_numpy(g))
                except ERRORS:
                    continue
                raise AssertionError(f"{name} took {wrong} without an error")

    x = leaf(2, 3, 6, 6)
    for wrong in HOSTILE:
        x.grad = None
        y, where = F.max_pool2d(x, 2, return_indices=True)
        where.numpy()[...] = wrong
        y.sum().backward()
        assert x.grad.sum().item() == y.array.size, "max_pool2d"
        for name, function in {"sort": mg.sort, "topk": lambda x: mg.topk(x, 2), "max": lambda x: mg.max(x, 3)}.items():
            x.grad = None
            values, where = function(x)
            where.numpy()[...] = wrong
            values.sum().backward()
            assert set(np.unique(x.grad.numpy())) <= {0, 1}, name
            assert x.grad.sum().item() == values.array.size, name

    # The kernels themselves, called with what doesn't fit.
    a, row, labels = rng.standard_normal((4, 6)), rng.standard_normal(6), np.zeros(4, np.int64)
    images, weight = rng.standard_normal((2, 4, 5, 5)), rng.standard_normal((6, 4, 3, 3))
    planes = rng.standard_normal((2, 3, 8))
    narrow, moment = planes[:, :, :1], rng.random(3)
    calls = [
        lambda i: scatter.add_at_rows((4, 6), np.array([0, i]), a[:2]),
        lambda i: scatter.scatter_add((4, 6), np.full((4, 6), i), a, 0),
        lambda i: scatter.scatter_add((4, 6), np.full((4, 6), i), a, 1),
        lambda i: scatter.index_add((4, 6), np.array([0, i]), a[:2], a.dtype),
        lambda i: classification.cross_entropy(a, labels + i, None, -100, 0.0),
        lambda i: classification.cross_entropy_backward(row[:4], a, labels + i, row, -100, 0.1),
        lambda i: pool.max_pool2d_backward(images, np.full(images.shape, i), (3, 4)),
        lambda i: pool.max_pool2d_gather(images[..., :3, :4], np.full((2, 4, 5, 5), i)),
        lambda i: scatter.add_at_rows((4, 6), labels, a[:, :1]),
        lambda i: scatter.scatter_add((4, 6), np.zeros((5, 6), int), rng.standard_normal((5, 6)), 1),
        lambda i: classification.cross_entropy_backward(row[:1], a, labels, None, -100, 0.0),
        lambda i: classification.cross_entropy(a, labels, row[:1], -100, 0.0),
        lambda i: pool.max_pool2d_backward(images, np.zeros((2, 4, 5, 1), int), (10, 10)),
        lambda i: pool.adaptive_avg_pool2d_backward(images[:, :, 0], (10, 10)),
        lambda i: pool.avg_pool2d_backward(images, (4, 4), (2, 2), (2, 2)),
        lambda i: boxes.box_spread(images[..., :1], pool._adaptive_boxes((5, 5), (5, 5)), (5, 5)),
        lambda i: norm.batch_norm_backward(narrow, planes, moment, moment, moment),
        lambda i: norm.batch_norm_backward(planes, planes, moment, moment[:1], moment),
        lambda i: norm.batch_norm(planes, moment[:1], None, 1e-5),
        lambda i: norm.batch_norm_eval(planes, None, None, moment[:1], moment[:1], 1e-5),
        lambda i: norm.move_running(moment, moment, moment[:1], moment, 1e-5, 0.1, 1.0),
        lambda i: norm.layer_norm_backward(a[:, :1], a, row, row[:4], row[:4]),
        lambda i: norm.layer_norm_backward(a, a, row[:1], row[:4], row[:4]),
        lambda i: norm.layer_norm(a, row[:1], row, 1e-5),
        lambda i: softmax.softmax_backward(a[:, :1], a),
        lambda i: softmax.log_softmax_backward(a[:1], a),
        lambda i: elementwise.relu_backward(a[:, :1], a),
        lambda i: elementwise.elu_backward(a[:1], a, 1.0),
        lambda i: elementwise.add_bias(a, row[:1]),
        lambda i: sums.inner_and_sum(np.ones(20000), np.ones(20000), np.ones(1)),
        lambda i: optim.sgd(a.copy(), a[:1], None, 0.1, 0.0, 0.0, 0.0, False, False, True),
        lambda i: optim.adam(
            a.copy(), a, a[:1].copy(), a.copy(), None, 1, 0.1, 0.9, 0.99, 1e-8, 0.0, False, False, False
        ),
        lambda i: conv.conv2d(images[:, :1], weight, (1, 1), (1, 1), (1, 1), 1),
        lambda i: conv.conv2d(images, weight, (1, 1), (1, 1), (1, 1), 1, row[:1]),
        lambda i: conv.conv2d_input_gradient(images, weight, (5, 5), (1, 1), (1, 1), (1, 1), 1),
        lambda i: conv.conv2d_weight_gradient(images[:1], images, (3, 3), (1, 1), (1, 1), (1, 1), 1),
        lambda i: conv.conv2d_weight_gradient(images, images, (3, 3), (1, 1), (1, 1), (1, 1), 3),
    ]
    for number, call in enumerate(calls):
        for wrong in HOSTILE:
            try:
                call(wrong)
            except ERRORS:
                continue
            raise AssertionError(f"call {number} took {wrong} without an error")
    print("held")


if __name__ == "__main__":
    main()
