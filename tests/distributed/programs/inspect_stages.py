"""What is seen of a net in stages against what is seen of the whole net; run by mpiexec."""

import re

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import inspect, nn, skip
from minigrad.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe
from minigrad.nn import functional as F

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
last = rank == size - 1


class Blocks(nn.Module):
    """Some residual blocks; the input of the whole net goes along, and is used nowhere."""

    def __init__(self, index):
        super().__init__()
        self.index = index
        self.blocks = nn.Sequential(
            *(nn.Residual(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4))) for _ in range(2))
        )

    def forward(self, h, carried=None):
        y = self.blocks(h)
        return (y, h if carried is None else carried) if self.index < size - 1 else y * 0.5


class ExplicitCrossing(Blocks):
    """A fork on the first rank, whose join is on the last one."""

    def forward(self, h, carried=None):
        if self.index == 0:
            carried, h = skip.fork(h)
        y = self.blocks(h)
        return (y, carried) if self.index < size - 1 else skip.residual_add(carried, y)


class LeafCrossing(Blocks):
    """The input itself is the skip over all borders: a plain addition, found in the graph."""

    def forward(self, h, carried=None):
        y = self.blocks(h)
        carried = h if carried is None else carried
        return (y, carried) if self.index < size - 1 else carried + y


class UNet(nn.Module):
    """Each stage goes down with one skip and up with another: the long skips cross all borders, the short ones none."""

    def __init__(self, index):
        super().__init__()
        self.index = index
        channels = 2 if index == 0 else 3
        self.down = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU())
        self.block = nn.Residual(nn.Conv2d(3, 3, 3, padding=1))
        if index == size - 1:
            self.ups = nn.ModuleList([nn.Conv2d(6, 3, 3, padding=1) for _ in range(size)])

    def forward(self, h, *skips):
        h = self.block(self.down(h))
        if self.index < size - 1:
            return (F.max_pool2d(h, 2), *skips, h)
        for up, long in zip(self.ups, (h, *reversed(skips)), strict=True):
            if long.shape != h.shape:
                h = F.interpolate(h, scale_factor=2)
            h = up(skip.skip_concat(long, h, dim=1))
        return h.flatten(1)


class Whole(nn.Module):
    """All stages in one process; its modules have the stages' numbers for names."""

    def __init__(self, parts):
        super().__init__()
        for i, part in enumerate(parts):
            self.add_module(str(i), part)

    def forward(self, x):
        carried = (x,)
        for part in self.children():
            out = part(*carried)
            carried = out if isinstance(out, tuple) else (out,)
        return carried[0]


def without_numbers(text):
    return re.sub(r"#\d+", "", text)


def the_same(found, expected, what):
    """Names, numbers and arrays of two tables are the same, but for the numbers of nodes."""
    assert len(found) == len(expected), (what, len(found), len(expected))
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name, value in other.items():
            if isinstance(value, str):
                assert without_numbers(one[name]) == without_numbers(value), (what, name, one[name], value)
            elif isinstance(value, float):
                np.testing.assert_allclose(one[name], value, rtol=1e-11, atol=1e-15, err_msg=f"{what} {name}")
            else:
                assert one[name] == value, (what, name, one[name], value)


def compare(kind, x, t, pairs, crossing, schedule_class=ScheduleGPipe):
    """Trace, ledger, path lengths and receipt of a net in stages and of the whole net."""
    mg.manual_seed(1)
    parts = [kind(i).double() for i in range(size)]
    batch = [x] if rank == 0 else []
    schedule = schedule_class(PipelineStage(parts[rank], rank, size), 1, F.cross_entropy)
    aims = {"target": t if last else None}
    bill = inspect.pipeline_receipt(schedule, *batch, **aims)
    paths = inspect.pipeline_path_lengths(schedule, *batch, **aims)
    assert all(p.grad is None for p in parts[rank].parameters()), "they touch no .grad"
    x.grad = None
    trace = inspect.pipeline_trace(schedule, *batch, **aims)
    assert all(p.grad is not None for p in parts[rank].parameters())
    assert (trace is None) == (paths is None) == (bill is None) == (rank != 0)
    if rank:
        return

    mg.manual_seed(1)
    net = Whole([kind(i).double() for i in range(size)])
    x.grad = None
    one_loss = F.cross_entropy(net(x), t)
    one_bill, one_paths = inspect.receipt(one_loss, net), inspect.path_lengths(one_loss, wrt=x)
    one = inspect.trace(one_loss)

    assert [(s.kind, s.module) for s in trace] == [(s.kind, s.module) for s in one]
    for step, other in zip(trace, one, strict=True):
        np.testing.assert_allclose(step.norm, other.norm, rtol=1e-12)
        for g, expected in zip(step.grad_outputs, other.grad_outputs, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-11, atol=1e-15)
        assert not step.module or step.source == other.source  # (the schedule calls the loss)
    leaves = {leaf.name: leaf.norm for leaf in trace.leaves}
    assert leaves.keys() == {leaf.name for leaf in one.leaves}
    for leaf in one.leaves:
        np.testing.assert_allclose(leaves[leaf.name], leaf.norm, rtol=1e-11)

    rows = trace.ledger()
    the_same(rows.to_dict(), one.ledger().to_dict(), kind.__name__)
    assert len(rows) == pairs, rows
    assert rows.conserved
    assert rows.unpaired == one.ledger().unpaired == []
    stage_of = {node.name: node.module.partition(".")[0] for node in trace.nodes}
    assert sum(stage_of.get(row.fork, "0") != stage_of[row.join] for row in rows) == crossing
    the_same(trace.layers().to_dict(), one.layers().to_dict(), f"layers of {kind.__name__}")
    the_same(trace.layers(level="blocks").to_dict(), one.layers(level="blocks").to_dict(), "blocks")

    the_same(paths.to_dict(), one_paths.to_dict(), f"paths of {kind.__name__}")
    assert (paths.counts, paths.blocks) == (one_paths.counts, one_paths.blocks)
    for g, expected in zip(paths.gradients, one_paths.gradients, strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-11, atol=1e-15)

    assert [item.name for item in bill.items] == [item.name for item in one_bill.items]
    assert bill.blocks == one_bill.blocks
    for item, other in zip(bill.items, one_bill.items, strict=True):
        assert item.block == other.block
        np.testing.assert_allclose(item.parts, other.parts, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(item.total, dict(net.named_parameters())[item.name].grad.array, rtol=1e-10)
    for name in ("mean_length", "mean_length_of_input", "examples"):
        np.testing.assert_allclose(getattr(bill, name), getattr(one_bill, name), rtol=1e-9)


rng = np.random.default_rng(0)
x = mg.tensor(rng.standard_normal((6, 4)), requires_grad=True)
t = mg.tensor(rng.integers(0, 4, 6))
compare(Blocks, x, t, pairs=2 * size, crossing=0)
compare(ExplicitCrossing, x, t, pairs=2 * size + 1, crossing=size > 1)
compare(LeafCrossing, x, t, pairs=2 * size + 1, crossing=size > 1, schedule_class=Schedule1F1B)
images = mg.tensor(rng.standard_normal((4, 2, 16, 16)), requires_grad=True)
compare(UNet, images, mg.tensor(rng.integers(0, 8, 4)), pairs=2 * size, crossing=size - 1)

# What can't be looked at is refused on all ranks alike, before anything is sent.
stage = PipelineStage(Blocks(rank), rank, size)
batch = [x] if rank == 0 else []
for refused, schedule in (
    ("a schedule of one micro-batch, not of 2", ScheduleGPipe(stage, 2, F.cross_entropy)),
    ("a schedule with a loss_fn", ScheduleGPipe(stage, 1)),
):
    for function in (inspect.pipeline_trace, inspect.pipeline_path_lengths, inspect.pipeline_receipt):
        with pytest.raises(ValueError, match=f"{function.__name__}: {refused}"):
            function(schedule, *batch, target=t if last else None)
with pytest.raises(mg.OperationError, match="cut and scale act on one process's graph"), inspect.cut("skip"):
    inspect.pipeline_trace(ScheduleGPipe(stage, 1, F.cross_entropy), *batch, target=t)

dist.destroy_process_group()
print("whole")
