"""What a training step costs, in counts that no machine and no other process can change; never in time.

Each bound is what was measured when it was set, and a margin smaller than one more frame, call or array a node. Where
a change makes a step cheaper, lower the bound.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import runpy
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numba import config
from numba.core.dispatcher import Dispatcher

import minigrad as mg
from minigrad import kernels
from minigrad.engine import node
from minigrad.engine.watch import Watcher
from minigrad.kernels.compile import BACKEND
from minigrad.kernels.conv import vectors
from minigrad.kernels.threads import RowKernel

ROOT = Path(__file__).parents[1]
PACKAGE = str(Path(mg.__file__).parent)
NETS = runpy.run_path(str(ROOT / "benchmarks" / "models.py"))
pytestmark = pytest.mark.skipif(BACKEND != "numba" or config.DISABLE_JIT, reason="counts compiled kernels")


@pytest.fixture(autouse=True)
def _one_thread():
    """Each thread has a workspace of its own."""
    threads = mg.get_num_threads()
    mg.set_num_threads(1)
    yield
    mg.set_num_threads(threads)


def training(model, x):
    y = mg.randint(0, 10, (len(x),))
    optimizer = mg.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def step():
        optimizer.zero_grad()
        mg.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def mlp(batch=32, width=32):
    return training(NETS["residual_mlp"](mg, 8, width), mg.randn(batch, width))


def wide(batch):
    return mlp(batch, 256)


def resnet(batch=32):
    if vectors.MACHINE is None:
        pytest.skip("the convolutions go another way here")
    return training(NETS["resnet"](mg, 8, 1), mg.randn(batch, 1, 8, 8))


def chain(n=8):
    w, b = (mg.rand(n, requires_grad=True) for _ in range(2))

    def step():
        w.grad = b.grad = None
        x = w
        for _ in range(33):
            x = mg.tanh(x * w + b)
        x.sum().backward()

    return step


def warm(make, *args):
    """A step that has run twice, and the number of nodes it makes."""
    step = make(*args)
    step()
    first = node._next_index()
    step()
    return step, node._next_index() - first - 1


def compiled():
    """All that Numba has compiled or may compile: ``(owner, attribute, dispatcher)``."""
    for info in pkgutil.walk_packages(kernels.__path__, "minigrad.kernels."):
        module = importlib.import_module(info.name)
        for name, found in vars(module).items():
            if isinstance(found, RowKernel) and found.body.__module__ == module.__name__:
                yield found, "compiled", found.compiled
            elif isinstance(found, Dispatcher) and found.py_func.__module__ == module.__name__:
                yield module, name, found


# Measured alike on 3.10, 3.11, 3.12 and 3.13: 611 frames and 29 calls, 1601 and 149, 1577 and 33. The margin of frames
# is below 1 %. A node has its turn in settle, run, its rule, send and add, and one more for each leaf.
@pytest.mark.parametrize(
    ("make", "nodes", "frames", "calls"), [(mlp, 33, 616, 29), (resnet, 35, 1616, 149), (chain, 100, 1590, 33)]
)
def test_frames_and_kernel_calls(make, nodes, frames, calls, monkeypatch):
    step, made = warm(make)
    assert made == nodes
    everything = list(compiled())
    # Not counted, because versions differ. Before 3.12, comprehensions have frames, and Numba shows a compiled function
    # as one; before 3.13, a generator expression enters its frame once more, to end. On 3.10 a profiler holds what a
    # frame's variables refer to, so no gradient and no node seems to be the pass's alone.
    left_out = {"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "accumulate", "release"}
    left_out.update(d.py_func.__name__ for _, _, d in everything)
    entered, called = Counter(), Counter()

    def enter(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and code.co_name not in left_out:
            entered[code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(enter)
    try:
        step()
    finally:
        sys.setprofile(before)
    for owner, attribute, dispatcher in everything:

        def call(*args, run=dispatcher):
            called[run.py_func.__name__] += 1
            return run(*args)

        monkeypatch.setattr(owner, attribute, call)
    step()
    assert entered.total() <= frames, entered.most_common(20)
    assert called.total() <= calls, called.most_common()


class Rises(Watcher):
    """Adds up how far memory rises between one rule and the next: by the arrays that are alive at the same time."""

    def look(self, *args):
        now, peak = tracemalloc.get_traced_memory()
        self.total += peak - self.level
        self.level = now
        tracemalloc.reset_peak()

    after_forward = before_backward = after_backward = look

    def __enter__(self):
        super().__enter__()
        self.total = 0
        self.level = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()


def alive():
    """How many nodes there are, and how many arrays that were made since tracing began, and their bytes."""
    nodes = sum(issubclass(type(found), node.Node) for found in gc.get_objects())
    found = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    return nodes, len(found.traces), sum(trace.size for trace in found.traces)


# In units of one activation (in the wide net: one weight), so large that nodes and other objects hardly count. Measured
# on 3.11: peaks of 25.2, 0.13, 16.7 and 100.1, and rises of 49.2, 11.2, 42.3 and 200.6. The chain's 99 outputs and one
# gradient have to be there; each of its nodes makes one array forward, and one backward, and what a rule no longer
# needs is freed before the next one begins. The MLP keeps 24 outputs of blocks, and the logits; the wide net makes the
# gradients of 8 weights, and copies none.
@pytest.mark.parametrize(
    ("make", "batch", "unit", "most", "rise"),
    [
        (mlp, 512, 32, 25.6, 49.6),
        (wide, 16, 256 * 16, 0.2, 11.4),
        (resnet, 128, 16 * 8 * 8, 17.0, 42.7),
        (chain, 20_000, 1, 100.7, 201.4),
    ],
)
def test_memory(make, batch, unit, most, rise):
    step, _ = warm(make, batch)
    activation = batch * unit * 4
    rises = Rises()
    tracemalloc.start()
    try:
        step()
        gc.collect()
        gc.disable()
        kept, level = alive(), tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        assert (tracemalloc.get_traced_memory()[1] - level) / activation < most
        with rises:
            step()
        assert rises.total / activation < rise
        for _ in range(18):
            step()
        assert alive() == kept  # after 20 steps, and the collector of cycles had nothing to do with it
    finally:
        gc.enable()
        tracemalloc.stop()
