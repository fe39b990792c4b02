"""x"""
from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import binding, ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from minigrad.kernels.compile import jit
from minigrad.kernels.patches import Array, Pair
from minigrad.kernels.threads import get_num_threads, row_kernel

VECTOR_BYTES, TILE = 32, 6
BLOCK_BYTES = 64


@intrinsic
def _multiply_add(typingctx, x, starts, first_start, steps, count, w, first_w, sums, first_sum):
    dtype = x.dtype
    size = dtype.bitwidth // 8
    lanes = VECTOR_BYTES // size
    vectors = BLOCK_BYTES // VECTOR_BYTES
    signature = types.void(x, starts, types.intp, steps, types.intp, w, types.intp, sums, types.intp)

    def codegen(context, builder, signature, args):
        scalar = context.get_value_type(dtype)
        vector = ir.VectorType(scalar, lanes)
        one_lane = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        index = lambda i: ir.Constant(ir.IntType(64), i)
        data = lambda k: context.make_array(signature.args[k])(context, builder, args[k]).data
        x, starts, steps, w, sums = (data(k) for k in (0, 1, 3, 5, 7))
        first_start, count, first_w, first_sum = (args[k] for k in (2, 4, 6, 8))

        def vector_at(pointer, offset):
            return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())

        windows = []
        for p in range(TILE):
            start = builder.load(builder.gep(starts, [builder.add(first_start, index(p))]))
            windows.append(builder.gep(x, [start]))
        totals = []
        for p in range(TILE):
            for v in range(vectors):
                target = vector_at(sums, builder.add(first_sum, index((p * vectors + v) * lanes)))
                register = cgutils.alloca_once(builder, vector)
                builder.store(builder.load(target, align=size), register)
                totals.append((register, target))
        w = builder.gep(w, [first_w])
        with cgutils.for_range(builder, count) as loop:
            step = builder.load(builder.gep(steps, [loop.index]))
            here = builder.mul(loop.index, index(lanes * vectors))
            weights = [builder.load(vector_at(w, builder.add(here, index(v * lanes))), align=size) for v in range(vectors)]
            for p in range(TILE):
                value = builder.load(builder.gep(windows[p], [step]))
                value = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
                value = builder.shuffle_vector(value, ir.Constant(vector, ir.Undefined), one_lane)
                for v in range(vectors):
                    register = totals[p * vectors + v][0]
                    product = builder.fmul(value, weights[v], flags=["contract"])
                    builder.store(builder.fadd(builder.load(register), product, flags=["contract"]), register)
        for register, target in totals:
            builder.store(builder.load(register), target, align=size)
        return context.get_dummy_value()

    return signature, codegen


@jit
def _fill(patch, x, first_sample, samples, first_channel, channels, height, width, top, left):
    n, _, h, w = x.shape
    first, last = min(max(0, -left), width), max(min(width, w - left), 0)
    at = 0
    for s in range(first_sample, first_sample + samples):
        for c in range(first_channel, first_channel + channels):
            for r in range(top, top + height):
                row = patch[at:at + width]
                at += width
                if s >= n or not 0 <= r < h:
                    row[:] = 0
                    continue
                row[:first] = 0
                source = x[s, c, r]
                for k in range(first, last):
                    row[k] = source[k + left]
                row[last:] = 0


@jit
def _store(sums, lanes, y, first_sample, samples, first_row, rows, oh, ow, first_channel, channels, y_top, y_left, y_down, y_across):
    n = y.shape[0]
    for s in range(min(samples, n - first_sample)):
        for lane in range(channels):
            for r in range(min(rows, oh - first_row)):
                target = y[first_sample + s, first_channel + lane, y_top + (first_row + r) * y_down]
                source = sums[(s * rows + r) * ow * lanes + lane:]
                for c in range(ow):
                    target[y_left + c * y_across] = source[c * lanes]


@row_kernel
def _correlate_parts(parts, x, w, bias, y, pixels, taps, samples, rows, oh, ow, height, width, sh, top, left, y_top, y_left, y_down, y_across):
    n = x.shape[0]
    groups, blocks, depth, lanes = w.shape
    channels, out_channels = x.shape[1] // groups, y.shape[1] // groups
    bands = (oh + rows - 1) // rows
    tasks = (n + samples - 1) // samples * bands
    flat_w = w.reshape(w.size)
    for part in prange(parts):
        patch = np.empty(samples * channels * height * width, x.dtype)
        sums = np.empty(len(pixels) * lanes, x.dtype)
        for task in range(part * tasks // parts, (part + 1) * tasks // parts):
            first_sample, first_row = task // bands * samples, task % bands * rows
            for g in range(groups):
                _fill(patch, x, first_sample, samples, g * channels, channels, height, width, top + first_row * sh, left)
                for block in range(blocks):
                    for p in range(len(pixels)):
                        sums[p * lanes:(p + 1) * lanes] = bias[g, block]
                    for p in range(0, len(pixels), TILE):
                        _multiply_add(patch, pixels, p, taps, depth, flat_w, (g * blocks + block) * depth * lanes, sums, p * lanes)
                    _store(sums, lanes, y, first_sample, samples, first_row, rows, oh, ow, g * out_channels + block * lanes,
                           min(lanes, out_channels - block * lanes), y_top, y_left, y_down, y_across)


class Plan(NamedTuple):
    samples: int
    rows: int
    height: int
    width: int
    pixels: Array
    taps: Array

PIXELS = 256

def _whole_tiles(offsets):
    return np.pad(offsets.ravel(), (0, -offsets.size % TILE), mode="edge")

@functools.lru_cache(256)
def _plan(n, c, oh, ow, kh, kw, sh, sw, dh, dw):
    bands = max(1, round(oh * ow / PIXELS))
    rows = -(-oh // bands)
    samples = max(1, min(n, PIXELS // (oh * ow)))
    height, width = (rows - 1) * sh + (kh - 1) * dh + 1, (ow - 1) * sw + (kw - 1) * dw + 1
    s, r, q = np.ogrid[:samples, :rows, :ow]
    pixels = (s * c * height + r * sh) * width + q * sw
    ch, i, j = np.ogrid[:c, :kh, :kw]
    taps = (ch * height + i * dh) * width + j * dw
    return Plan(samples, rows, height, width, _whole_tiles(pixels), _whole_tiles(taps))

def _pack(w, groups):
    o, c, kh, kw = w.shape
    lanes = BLOCK_BYTES // w.itemsize
    og = o // groups
    blocks = -(-og // lanes)
    packed = np.zeros((groups, blocks * lanes, c * kh * kw), w.dtype)
    packed[:, :og] = w.reshape(groups, og, -1)
    return np.ascontiguousarray(packed.reshape(groups, blocks, lanes, -1).swapaxes(2, 3))

def conv2d(x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, b=None):
    from minigrad.kernels.patches import windows_hw
    n, c, h, wd = x.shape
    o, cg, kh, kw = w.shape
    oh, ow = windows_hw((h, wd), (kh, kw), stride, padding, dilation)
    y = np.empty((n, o, oh, ow), x.dtype)
    plan = _plan(n, cg, oh, ow, kh, kw, *stride, *dilation)
    packed = _pack(w, groups)
    bias = np.zeros((groups, packed.shape[1], packed.shape[3]), x.dtype)
    parts = get_num_threads()
    _correlate_parts(y.size * cg * kh * kw, parts, x, packed, bias, y, plan.pixels, plan.taps, plan.samples, plan.rows, oh, ow, plan.height, plan.width,
                     stride[0], -padding[0], -padding[1], 0, 0, 1, 1)
    return y
