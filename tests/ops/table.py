"""One table for all operations: what to run, the same in NumPy, the shapes, the domain.

A reference of None means that another row's reference covers the forward, or that tests of its own do.
"""

from __future__ import annotations

import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import skip
from minigrad.ops import recurrent
from minigrad.ops.boxes import box_iou
from minigrad.ops.capsule import squash
from minigrad.utils.checkpoint import checkpoint

from .cases import Case, anywhere, distinct, off_zero, positive, probability
from .references import (
    avg_pool2d,
    bilinear,
    conv2d,
    conv_transpose2d,
    cross_entropy,
    gru_step,
    lstm_step,
    max_pool2d,
    normalised,
    softmax,
)

SIGNS = mg.tensor([[1, -1, 1], [-1, -1, 1]])
MASK = np.array([[True, False, True], [False, False, True]])
ROWS = np.array([2, 0, 0, 1])
PICK = np.array([[0, 2], [1, 1]])
LABELS = mg.tensor([1, 0, 3])
WEIGHT = mg.tensor([0.5, 1.0, 2.0, 1.5], dtype=mg.float64)
erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


two = ((2, 3), (2, 3))
wide = ((4, 2, 3), (2, 1))
one = ((2, 3),)

ARITHMETIC = [
    Case("add", lambda a, b: a + b, np.add, wide),
    Case("add to a scalar", lambda a: 2 + a, lambda a: 2 + a, one),
    Case("sub", lambda a, b: a - b, np.subtract, wide),
    Case("rsub", lambda a: 2 - a, lambda a: 2 - a, one),
    Case("mul", lambda a, b: a * b, np.multiply, wide),
    Case("mul by itself", lambda a: a * a, np.square, one),
    Case("div", lambda a, b: a / b, np.divide, wide, (anywhere, off_zero)),
    Case("rdiv", lambda a: 2 / a, lambda a: 2 / a, one, off_zero),
    Case("div floor", lambda a, b: mg.div(a, b, rounding_mode="floor"), np.floor_divide, two, positive),
    Case("floor_divide", lambda a, b: a // b, np.floor_divide, two, positive),
    Case("remainder", lambda a, b: a % b, np.remainder, two, (anywhere, positive)),
    Case("neg", lambda a: -a, np.negative, one),
    Case("pow of a constant", lambda a: a**3, lambda a: a**3, one),
    Case("pow 0.5", lambda a: a**0.5, np.sqrt, one, positive),
    Case("pow 2.5", lambda a: a**2.5, lambda a: a**2.5, one, positive),
    Case("pow -1", lambda a: a**-1, lambda a: 1 / a, one, off_zero),
    Case("pow", lambda a, b: a**b, np.power, two, (positive, anywhere)),
    Case("rpow", lambda a: 2**a, lambda a: 2.0**a, one),
    Case("square", mg.square, np.square, one),
    Case("sqrt", mg.sqrt, np.sqrt, one, positive),
    Case("rsqrt", mg.rsqrt, lambda x: x**-0.5, one, positive),
    Case("reciprocal", mg.reciprocal, lambda x: 1 / x, one, off_zero),
    Case("cast", lambda a: a.half().to(a.dtype) * 0 + a, lambda a: a, one),
    Case("clone", lambda a: a.clone(), lambda a: a, one),
]

ELEMENTWISE = [
    Case("exp", mg.exp, np.exp, one),
    Case("expm1", mg.expm1, np.expm1, one),
    Case("log", mg.log, np.log, one, positive),
    Case("log1p", mg.log1p, np.log1p, one, positive),
    Case("abs", mg.abs, np.abs, one, off_zero),
    Case("sin", mg.sin, np.sin, one),
    Case("cos", mg.cos, np.cos, one),
    Case("tanh", mg.tanh, np.tanh, one),
    Case("sigmoid", mg.sigmoid, sigmoid, one),
    Case("erf", mg.erf, erf, one),
    Case("sign", mg.sign, np.sign, one, off_zero),
    Case("floor", mg.floor, np.floor, one, off_zero),
    Case("ceil", mg.ceil, np.ceil, one, off_zero),
    Case("trunc", mg.trunc, np.trunc, one, off_zero),
    Case("round", lambda x: mg.round(x + 0.25), lambda x: np.round(x + 0.25), one, off_zero),
    Case("clamp", lambda x: mg.clamp(x, -0.15, 0.15), lambda x: np.clip(x, -0.15, 0.15), one, off_zero),
    Case("clamp by tensors", lambda x, lo: mg.clamp(x, min=lo), np.maximum, two, distinct),
    Case("maximum", mg.maximum, np.maximum, ((2, 3), (3,)), (off_zero, lambda r, s: 0.01 * np.ones(s))),
    Case("minimum", mg.minimum, np.minimum, ((2, 3), (3,)), (off_zero, lambda r, s: 0.01 * np.ones(s))),
    Case("where", lambda a, b: mg.where(mg.tensor(MASK), a, b), lambda a, b: np.where(MASK, a, b), ((2, 3), (3,))),
    Case("masked_fill", lambda a: a.masked_fill(mg.tensor(MASK), 7.0), lambda a: np.where(MASK, 7.0, a), one),
    Case("relu", F.relu, lambda x: np.maximum(x, 0), one, off_zero),
    Case("relu6", lambda x: F.relu6(4 * x), lambda x: np.clip(4 * x, 0, 6), one, off_zero),
    Case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), lambda x: np.where(x > 0, x, 0.1 * x), one, off_zero),
    Case("elu", lambda x: F.elu(x, 1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x)), one, off_zero),
    Case("selu", F.selu, None, one, off_zero),
    Case("gelu", F.gelu, gelu, one),
    Case("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), None, one),
    Case("silu", F.silu, lambda x: x * sigmoid(x), one),
    Case("softplus", lambda x: F.softplus(x, 2.0), lambda x: np.log1p(np.exp(2 * x)) / 2, one),
    Case("logsigmoid", F.logsigmoid, lambda x: np.log(sigmoid(x)), one),
    Case("hardtanh", lambda x: F.hardtanh(x, -0.15, 0.15), lambda x: np.clip(x, -0.15, 0.15), one, off_zero),
]

cube = ((2, 3, 4),)
REDUCTIONS = [
    Case("sum", mg.sum, np.sum, cube),
    Case("sum dim", lambda x: x.sum(dim=(0, 2), keepdim=True), lambda x: x.sum((0, 2), keepdims=True), cube),
    Case("sum axis", lambda x: x.sum(axis=1, keepdims=True), lambda x: x.sum(1, keepdims=True), cube),
    Case("mean", lambda x: x.mean(-1), lambda x: x.mean(-1), cube),
    Case("var", lambda x: x.var(1), lambda x: x.var(1, ddof=1), cube),
    Case("var of all", lambda x: x.var(correction=0), np.var, cube),
    Case("std", lambda x: x.std(dim=(0, 1)), lambda x: x.std((0, 1), ddof=1), cube),
    Case("amax", lambda x: x.amax(1), lambda x: x.max(1), cube, distinct),
    Case("amin", lambda x: x.amin((0, 2)), lambda x: x.min((0, 2)), cube, distinct),
    Case("max", mg.max, np.max, cube, distinct),
    Case("max dim", lambda x: x.max(1).values, lambda x: x.max(1), cube, distinct),
    Case("min dim", lambda x: x.min(-1)[0], lambda x: x.min(-1), cube, distinct),
    Case("prod", mg.prod, np.prod, one, off_zero),
    Case("prod dim", lambda x: x.prod(1), lambda x: x.prod(1), cube, off_zero),
    Case("norm", lambda x: x.norm(), np.linalg.norm, one),
    Case("norm 1", lambda x: x.norm(1, dim=1), lambda x: np.abs(x).sum(1), one, off_zero),
    Case("norm inf", lambda x: x.norm(float("inf"), dim=1), lambda x: np.abs(x).max(1), one, distinct),
    Case("norm 3", lambda x: x.norm(3, dim=1), lambda x: (np.abs(x) ** 3).sum(1) ** (1 / 3), one, off_zero),
    Case("logsumexp", lambda x: x.logsumexp(1), lambda x: np.log(np.exp(x).sum(1)), cube),
    Case("softmax", lambda x: F.softmax(x, dim=1), lambda x: softmax(x, 1), cube),
    Case("log_softmax", lambda x: F.log_softmax(x, dim=-1), lambda x: np.log(softmax(x, -1)), cube),
    Case("cumsum", lambda x: x.cumsum(1), lambda x: x.cumsum(1), cube),
    Case("normalize", lambda x: F.normalize(x, dim=1), lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), one),
    Case(
        "cosine_similarity",
        lambda a, b: F.cosine_similarity(a, b, dim=1),
        lambda a, b: (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1),
        two,
    ),
]

SHAPES = [
    Case("reshape", lambda x: x.reshape(4, -1), lambda x: x.reshape(4, -1), cube),
    Case("view", lambda x: x.view(6, 4), lambda x: x.reshape(6, 4), cube),
    Case("permute", lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), cube),
    Case("transpose", lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), cube),
    Case("T", lambda x: x.T, np.transpose, one),
    Case("movedim", lambda x: x.movedim(0, 2), lambda x: np.moveaxis(x, 0, 2), cube),
    Case("squeeze", lambda x: x.squeeze(1), lambda x: x.squeeze(1), ((2, 1, 3),)),
    Case("unsqueeze", lambda x: x.unsqueeze(1), lambda x: x[:, None], one),
    Case("flatten", lambda x: x.flatten(1), lambda x: x.reshape(2, 12), cube),
    Case("expand", lambda x: x.expand(4, 2, 3), lambda x: np.broadcast_to(x, (4, 2, 3)), ((2, 1),)),
    Case("broadcast_to", lambda x: mg.broadcast_to(x, (4, 3)), lambda x: np.broadcast_to(x, (4, 3)), ((3,),)),
    Case("repeat", lambda x: x.repeat(2, 2), lambda x: np.tile(x, (2, 2)), one),
    Case("flip", lambda x: x.flip(0, 1), lambda x: x[::-1, ::-1], one),
    Case("roll", lambda x: x.roll(1, 1), lambda x: np.roll(x, 1, 1), one),
    Case("tril", mg.tril, np.tril, one),
    Case("triu", lambda x: mg.triu(x, 1), lambda x: np.triu(x, 1), one),
    Case("diagonal", lambda x: x.diagonal(), np.diagonal, one),
    Case("diag", mg.diag, np.diag, ((3,),)),
    Case("cat", lambda a, b: mg.cat([a, b], dim=1), lambda a, b: np.concatenate([a, b], 1), ((2, 3), (2, 1))),
    Case("stack", lambda a, b: mg.stack([a, b], dim=1), lambda a, b: np.stack([a, b], 1), two),
    Case("split", lambda x: x.split([1, 2], dim=1), lambda x: np.split(x, [1], 1), one),
    Case("chunk", lambda x: x.chunk(2, 0), lambda x: np.split(x, 2, 0), one),
    Case("unbind", lambda x: x.unbind(0), lambda x: list(x), one),
    Case("pad", lambda x: F.pad(x, (1, 2, 0, 1), value=3.0), None, one),
    Case("pad reflect", lambda x: F.pad(x, (1, 2), mode="reflect"), None, ((1, 2, 4),)),
    Case("pad replicate", lambda x: F.pad(x, (1, 2), mode="replicate"), None, ((1, 2, 4),)),
    Case("pad circular", lambda x: F.pad(x, (1, 2), mode="circular"), None, ((1, 2, 4),)),
    Case("slices", lambda x: x[:, 1:, ::2], lambda x: x[:, 1:, ::2], cube),
    Case("integer arrays", lambda x: x[ROWS[:2] % 2, :, ROWS[:2]], None, cube),
    Case("boolean mask", lambda x: x[mg.tensor(MASK)], lambda x: x[MASK], one),
    Case("masked_select", lambda x: x.masked_select(mg.tensor(MASK)), lambda x: x[MASK], one),
    Case("index_select", lambda x: x.index_select(1, mg.tensor(ROWS)), lambda x: x[:, ROWS], one),
    Case("gather", lambda x: x.gather(1, mg.tensor(PICK)), lambda x: np.take_along_axis(x, PICK, 1), one),
    Case("scatter_add", lambda x, s: x.scatter_add(1, mg.tensor(PICK), s), None, ((2, 3), (2, 2))),
    Case("topk", lambda x: x.topk(2, dim=1).values, lambda x: -np.sort(-x, 1)[:, :2], one, distinct),
    Case("sort", lambda x: x.sort(dim=1).values, lambda x: np.sort(x, 1), one, distinct),
    Case("embedding", lambda w: F.embedding(mg.tensor(ROWS), w), lambda w: w[ROWS], ((3, 2),)),
]

PRODUCTS = [
    Case("matmul", lambda a, b: a @ b, np.matmul, ((2, 3), (3, 4))),
    Case("matmul batched", lambda a, b: a @ b, np.matmul, ((5, 1, 2, 3), (2, 3, 2))),
    Case("matmul of vectors", lambda a, b: a @ b, np.matmul, ((3,), (3,))),
    Case("matmul by a vector", lambda a, b: a @ b, np.matmul, ((2, 2, 3), (3,))),
    Case("mm", mg.mm, np.matmul, ((2, 3), (3, 4))),
    Case("bmm", mg.bmm, np.matmul, ((2, 2, 3), (2, 3, 2))),
    Case("mv", mg.mv, np.matmul, ((2, 3), (3,))),
    Case("dot", mg.dot, np.dot, ((3,), (3,))),
    Case("outer", mg.outer, np.outer, ((3,), (2,))),
    Case("addmm", mg.addmm, lambda c, a, b: c + a @ b, ((4,), (2, 3), (3, 4))),
    Case("einsum", lambda a, b: mg.einsum("bij,bkj->bik", a, b), None, ((2, 3, 2), (2, 2, 2))),
    Case("einsum of one", lambda a: mg.einsum("ii->i", a), np.diagonal, ((3, 3),)),
    Case("linear", F.linear, lambda x, w, b: x @ w.T + b, ((2, 3), (4, 3), (4,))),
    Case("linear without bias", F.linear, lambda x, w: x @ w.T, ((2, 2, 3), (4, 3))),
]

image, kernel = (2, 2, 5, 4), (3, 2, 3, 2)
CONVOLUTIONS = [
    Case("conv2d", F.conv2d, conv2d, (image, kernel, (3,))),
    Case(
        "conv2d strided",
        lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
        lambda x, w: conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
        (image, kernel),
    ),
    Case("conv2d groups", lambda x, w: F.conv2d(x, w, groups=2, padding="same"), None, ((1, 4, 3, 3), (2, 2, 3, 3))),
    Case("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), None, ((2, 2, 5), (3, 2, 3), (3,))),
    Case(
        "conv_transpose2d",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
        lambda x, w, b: conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
        ((2, 2, 3, 2), (2, 3, 3, 3), (3,)),
    ),
    Case("unfold", lambda x: F.unfold(x, (2, 3), padding=1), None, ((1, 2, 3, 4),)),
    Case("fold", lambda x: F.fold(x, (3, 4), (2, 2)), None, ((1, 8, 6),)),
    Case("max_pool2d", lambda x: F.max_pool2d(x, 2), lambda x: max_pool2d(x, 2, 2), (image,), distinct),
    Case("max_pool2d overlapping", lambda x: F.max_pool2d(x, 3, 1, 1), None, (image,), distinct),
    Case("avg_pool2d", lambda x: F.avg_pool2d(x, 2), lambda x: avg_pool2d(x, 2, 2), (image,)),
    Case("avg_pool2d padded", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), None, (image,)),
    Case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), None, (image,)),
    Case("max_pool1d", lambda x: F.max_pool1d(x, 2), None, ((2, 2, 5),), distinct),
    Case("avg_pool1d", lambda x: F.avg_pool1d(x, 2), None, ((2, 2, 5),)),
    Case("nearest", lambda x: F.interpolate(x, scale_factor=2), lambda x: x.repeat(2, -1).repeat(2, -2), (image,)),
    Case(
        "bilinear",
        lambda x: F.interpolate(x, size=(7, 9), mode="bilinear", align_corners=True),
        lambda x: bilinear(x, 7, 9),
        (image,),
    ),
]

sequence = (2, 2, 4, 3)
NORMS = [
    Case(
        "batch_norm",
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: normalised(x, (0, 2, 3)) * w.reshape(-1, 1, 1) + b.reshape(-1, 1, 1),
        ((3, 2, 2, 2), (2,), (2,)),
    ),
    Case(
        "batch_norm of rows",
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: normalised(x, (0,)),
        ((4, 3),),
    ),
    Case(
        "batch_norm in evaluation",
        lambda x, w, b: F.batch_norm(x, mg.ones(2).to(x), 4 * mg.ones(2).to(x), w, b),
        lambda x, w, b: (x - 1) / np.sqrt(4 + 1e-5) * w.reshape(-1, 1) + b.reshape(-1, 1),
        ((3, 2, 4), (2,), (2,)),
    ),
    Case(
        "layer_norm",
        lambda x, w, b: F.layer_norm(x, (3,), w, b),
        lambda x, w, b: normalised(x, (1,)) * w + b,
        ((4, 3), (3,), (3,)),
    ),
    Case("layer_norm over two", lambda x: F.layer_norm(x, (2, 3)), lambda x: normalised(x, (1, 2)), ((3, 2, 3),)),
    Case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), None, ((2, 4, 3), (4,), (4,))),
    Case(
        "attention",
        F.scaled_dot_product_attention,
        lambda q, k, v: softmax(q @ k.swapaxes(-1, -2) / math.sqrt(3), -1) @ v,
        (sequence,) * 3,
    ),
    Case(
        "causal attention",
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        None,
        (sequence,) * 3,
    ),
    Case("dropout", lambda x: F.dropout(x * 1, p=0.0), lambda x: x, one),
]

LOSSES = [
    Case("cross_entropy", lambda x: F.cross_entropy(x, LABELS), lambda x: cross_entropy(x, LABELS.array), ((3, 4),)),
    Case(
        "cross_entropy smoothed",
        lambda x: F.cross_entropy(x, LABELS, WEIGHT.to(x.dtype), label_smoothing=0.1, reduction="none"),
        None,
        ((3, 4),),
    ),
    Case("cross_entropy to probabilities", F.cross_entropy, None, ((3, 4), (3, 4)), (anywhere, probability)),
    Case("nll_loss", lambda x: F.nll_loss(x, LABELS), lambda x: -x[np.arange(3), LABELS.array].mean(), ((3, 4),)),
    Case("mse_loss", F.mse_loss, lambda a, b: ((a - b) ** 2).mean(), two),
    Case("l1_loss", F.l1_loss, lambda a, b: np.abs(a - b).mean(), two, distinct),
    Case("smooth_l1_loss", lambda a, b: F.smooth_l1_loss(a, b, beta=0.35), None, two, distinct),
    Case("huber_loss", lambda a, b: F.huber_loss(a, b, delta=0.35, reduction="sum"), None, two, distinct),
    Case(
        "binary_cross_entropy",
        F.binary_cross_entropy,
        lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(),
        two,
        probability,
    ),
    Case(
        "binary_cross_entropy_with_logits",
        F.binary_cross_entropy_with_logits,
        lambda x, t: -(t * np.log(sigmoid(x)) + (1 - t) * np.log(1 - sigmoid(x))).mean(),
        two,
        (anywhere, probability),
    ),
    Case("kl_div", F.kl_div, lambda x, t: (t * (np.log(t) - x)).mean(), two, (anywhere, probability)),
    Case("kl_div of logarithms", lambda x, t: F.kl_div(x, t, log_target=True, reduction="sum"), None, two),
]

SKIPS = [
    Case("fork", skip.fork, lambda x: (x, x), one),
    Case("residual_add", skip.residual_add, np.add, two),
    Case("skip_concat", skip.skip_concat, lambda s, b: np.concatenate([s, b], 1), ((2, 3), (2, 1))),
    Case("highway_gate", skip.highway_gate, lambda s, b, t: (1 - t) * s + t * b, ((2, 3),) * 3),
]


def dropped(x):
    """Drawn anew from the same seed each time, or finite differences would compare two draws."""
    mg.manual_seed(3)
    return F.dropout(x, 0.4)


def hooked(x):
    """A module whose backward hooks put a node before it and one after."""
    module = mg.nn.Tanh()
    module.register_full_backward_hook(lambda module, grad_input, grad_output: None)
    return module(x)


RECURRENT = [
    Case(
        "rnn step",
        recurrent.rnn_step,
        lambda x, h, w, b: np.tanh(x + h @ w.T + b),
        ((2, 3), (2, 3), (3, 3), (3,)),
    ),
    Case(
        "rnn step with relu", lambda x, h, w: recurrent.rnn_step(x, h, w, None, "relu"), None, ((2, 3), (2, 3), (3, 3))
    ),
    Case("lstm step", recurrent.lstm_step, lstm_step, ((2, 12), (2, 3), (2, 3), (12, 3), (12,))),
    Case("lstm step without bias", recurrent.lstm_step, None, ((2, 8), (2, 1), (2, 2), (8, 1))),
    Case("gru step", recurrent.gru_step, gru_step, ((2, 9), (2, 3), (9, 3), (9,))),
    Case(
        "together", lambda a, b: recurrent.together([a, b], 1), lambda a, b: np.concatenate([a, b], 1), ((2, 3), (2, 1))
    ),
]


def squashed(s):
    r = np.linalg.norm(s, axis=1, keepdims=True)
    return s / r * (r * r / (1 + r * r))


def checkpointed(a, b):
    """Two outputs, one of which reads both inputs; and a random number drawn inside."""
    mg.manual_seed(3)
    return checkpoint(lambda a, b: (F.dropout(mg.tanh(a * b), 0.4), a.square()), a, b)


def boxes_from(x):
    """Boxes that overlap in every way, away from ties."""
    corner = mg.tensor([[0.0, 0.0], [1.1, 0.7], [0.4, 1.6]], dtype=x.dtype)
    return mg.cat([corner + 0.1 * x[:, :2], corner + 2 + 0.1 * x[:, 2:]], 1)


def assigned(x, v):
    y = x * 1
    y[1:, 0] = v
    return y


def assigned_by_numpy(x, v):
    y = x.copy()
    y[1:, 0] = v
    return y


def written_through_a_view(x, v):
    y = x * 1
    y.t()[1].mul_(v)
    return y


def put_at(x, v):
    y = x * 1
    y.scatter_(1, mg.tensor([[1], [0], [1]]), v[:, None])
    return y.index_fill_(0, mg.tensor([0]), 2.0)


WRITES = [
    Case("item assignment", assigned, assigned_by_numpy, ((3, 2), (2,))),
    Case(
        "a write through a view",
        written_through_a_view,
        lambda x, v: np.stack([x[:, 0], x[:, 1] * v], 1),
        ((3, 2), (3,)),
    ),
    Case("scatter_ and index_fill_", put_at, None, ((3, 2), (3,))),
    Case("copy_", lambda x, v: (x * 1).copy_(v), lambda x, v: np.broadcast_to(v, x.shape), ((3, 2), (2,))),
    Case("in place with an operand", lambda x, v: (x * 1).mul_(v).add_(v, alpha=2), lambda x, v: x * v + 2 * v, two),
]

OTHERS = [
    Case("squash", lambda s: squash(s, 1), squashed, one),
    Case("checkpoint", checkpointed, None, two),
    Case("box_iou", lambda a, b: box_iou(boxes_from(a), 0.3 + boxes_from(b)), None, ((3, 4), (3, 4))),
    Case("dropout that drops", dropped, None, one),
    Case("backward hooks", hooked, np.tanh, one),
    Case("comparison", lambda a, b: a < b, np.less, two),
    Case("isnan", mg.isnan, np.isnan, one),
    Case("nonzero", lambda a: mg.where(a > 0), lambda a: np.nonzero(a > 0), one),
    Case("argmax", lambda a: a.argmax(1), lambda a: a.argmax(1), one, distinct),
    Case("any", lambda a: (a > 0).any(1), lambda a: (a > 0).any(1), one),
    Case("count_nonzero", mg.count_nonzero, np.count_nonzero, one),
    Case("argsort", lambda a: a.argsort(1), lambda a: a.argsort(1), one, distinct),
    Case("one_hot", lambda a: F.one_hot(a.argmax(1), 3), lambda a: np.eye(3, dtype=int)[a.argmax(1)], one, distinct),
]

inside = probability  # between 0.1 and 0.9
MORE_ACTIVATIONS = [
    Case("hardswish", lambda x: F.hardswish(8 * x), lambda x: 8 * x * np.clip(8 * x + 3, 0, 6) / 6, one, off_zero),
    Case("hardsigmoid", lambda x: F.hardsigmoid(8 * x), lambda x: np.clip(8 * x + 3, 0, 6) / 6, one, off_zero),
    Case("mish", F.mish, lambda x: x * np.tanh(np.log1p(np.exp(x))), one),
    Case("celu", lambda x: F.celu(x, 0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x / 0.7)), one, off_zero),
    Case("prelu", F.prelu, lambda x, w: np.where(x > 0, x, w * x), ((2, 3), (3,)), off_zero),
    Case("threshold", lambda x: F.threshold(x, 0.1, 2.0), lambda x: np.where(x > 0.1, x, 2.0), one, off_zero),
    Case("hardshrink", lambda x: F.hardshrink(x, 0.1), lambda x: np.where(abs(x) > 0.1, x, 0), one, off_zero),
    Case("softshrink", lambda x: F.softshrink(x, 0.1), lambda x: np.sign(x) * (abs(x) - 0.1), one, off_zero),
    Case("softsign", F.softsign, lambda x: x / (1 + abs(x)), one, off_zero),
    Case("tanhshrink", F.tanhshrink, lambda x: x - np.tanh(x), one),
    Case("glu", lambda x: F.glu(x, 0), lambda x: x[:1] * sigmoid(x[1:]), one),
    Case("asin", mg.asin, np.arcsin, one, inside),
    Case("acos", mg.acos, np.arccos, one, inside),
    Case("atan", mg.atan, np.arctan, one),
    Case("atan2", mg.atan2, np.arctan2, two, positive),
    Case("sinh", mg.sinh, np.sinh, one),
    Case("cosh", mg.cosh, np.cosh, one),
    Case("tan", mg.tan, np.tan, one, inside),
    Case("erfinv", lambda x: mg.erf(mg.erfinv(x)) + mg.erfinv(x), None, one, inside),
    Case("log2", mg.log2, np.log2, one, positive),
    Case("xlogy", mg.xlogy, lambda a, b: a * np.log(b), two, positive),
]


def root_mean_square_of_1(x):
    return x / np.sqrt((x * x).mean(1, keepdims=True))


MORE_SHAPES = [
    Case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), None, ((1, 4, 2, 3),)),
    Case("pixel_unshuffle", lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), lambda x: x, ((1, 4, 2, 3),)),
    Case("diff", lambda x: mg.diff(x, dim=1), lambda x: np.diff(x, axis=1), one),
    Case("windows", lambda x: x.unfold(1, 2, 1), lambda x: np.stack([x[:, :2], x[:, 1:]], 1), one),
    Case("median", lambda x: x.median(1).values, lambda x: np.sort(x, 1)[:, 1], one, distinct),
    Case("quantile", lambda x: x.quantile(0.3, 1), lambda x: np.quantile(x, 0.3, 1), one, distinct),
    Case("cumprod", lambda x: x.cumprod(1), lambda x: x.cumprod(1), one, off_zero),
    Case("tensordot", lambda a, b: mg.tensordot(a, b, 1), lambda a, b: a @ b, ((2, 3), (3, 2))),
    Case("kron", mg.kron, np.kron, ((2, 3), (3, 2))),
    Case("cdist", mg.cdist, lambda a, b: np.sqrt(((a[:, None] - b) ** 2).sum(-1)), ((2, 3), (4, 3))),
    Case("bicubic", lambda x: F.interpolate(x, size=(4, 7), mode="bicubic"), None, ((1, 2, 3, 4),)),
    Case(
        "grid_sample",
        lambda x, g: F.grid_sample(x, mg.tanh(g) * 1.2, align_corners=False),
        None,
        ((1, 2, 4, 5), (1, 2, 3, 2)),
    ),
    Case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (2, 3)), None, ((1, 2, 5, 4),), distinct),
    Case("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=2), None, ((2, 2, 3), (2, 3, 2))),
    Case("instance_norm", F.instance_norm, lambda x: normalised(x, (2, 3)), ((2, 2, 3, 2),)),
    Case(
        "rms_norm", lambda x: F.rms_norm(x, (3,), eps=0.0), lambda x: x / np.sqrt((x * x).mean(1, keepdims=True)), one
    ),
    Case("local_response_norm", lambda x: F.local_response_norm(x, 3, 0.5), None, ((1, 4, 3),)),
    Case("bilinear", F.bilinear, None, ((2, 3), (2, 2), (4, 3, 2), (4,))),
]

MORE_LOSSES = [
    Case("margin_ranking_loss", lambda a, b: F.margin_ranking_loss(a, b, SIGNS, 0.25), None, two, distinct),
    Case("cosine_embedding_loss", lambda a, b: F.cosine_embedding_loss(a, b, SIGNS[:, 0]), None, two),
    Case("triplet_margin_loss", lambda a, b, c: F.triplet_margin_loss(a, b, c, 2.0), None, ((2, 3),) * 3),
    Case("soft_margin_loss", lambda x: F.soft_margin_loss(x, SIGNS), None, one),
    Case("multi_margin_loss", lambda x: F.multi_margin_loss(x, mg.tensor([0, 2]), 2, 3.0), None, one),
    Case("poisson_nll_loss", F.poisson_nll_loss, lambda x, t: (np.exp(x) - t * x).mean(), two),
    Case(
        "gaussian_nll_loss",
        lambda x, t, v: F.gaussian_nll_loss(x, t, v),
        lambda x, t, v: 0.5 * (np.log(v) + (x - t) ** 2 / v).mean(),
        ((2, 3),) * 3,
        positive,
    ),
]


class Grown(mg.autograd.Function):
    """A function of the user's, in PyTorch's form, that saves an input and an output."""

    @staticmethod
    def forward(ctx, x, times):
        y = mg.exp(times * x)
        ctx.save_for_backward(x, y)
        ctx.times = times
        return y * x, y

    @staticmethod
    def backward(ctx, gyx, gy):
        x, y = ctx.saved_tensors
        return gyx * (y + x * ctx.times * y) + gy * ctx.times * y, None


FUNCTIONS = [
    Case("autograd.Function", lambda x: Grown.apply(x, 3), lambda x: (np.exp(3 * x) * x, np.exp(3 * x)), one),
]

CASES = [
    *MORE_ACTIVATIONS,
    *MORE_SHAPES,
    *MORE_LOSSES,
    *FUNCTIONS,
    *ARITHMETIC,
    *ELEMENTWISE,
    *REDUCTIONS,
    *SHAPES,
    *PRODUCTS,
    *CONVOLUTIONS,
    *NORMS,
    *LOSSES,
    *SKIPS,
    *RECURRENT,
    *WRITES,
    *OTHERS,
]
