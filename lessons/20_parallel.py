"""20. Across processes: an all-reduce is a fork and a join, and what waits for whom.

Minutes: 40. Before it: lessons 3 and 7. Shows: skip connections' rules, across processes.
Papers: Goyal et al. (2017, "Accurate, large minibatch SGD"); Shoeybi et al. (2019, "Megatron-LM"); Huang et al. (2019,
"GPipe").
"""

# %% [markdown]
# Deep nets are trained on many processors. Each runs the same program as a process of its own, a *rank*, and they
# differ only in their number. There are three ways to divide the work: the batch (data parallel), each layer (tensor
# parallel), and the depth (pipeline). In all three you meet the rules of lesson 7 again: what is *copied* to several
# ranks is a fork, so its gradients are *summed*; what is summed over ranks is a join, so its gradient is *copied*.
#
# This script is one process. Where ranks are needed, it starts two of them, by `mpiexec -n 2`, and each runs one of
# the functions below. Without MPI those cells are left out.

# %%
import itertools

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import inspect, nn, plot
from minigrad.classroom.ranks import RanksFailed, on_ranks, ranks_can_start
from minigrad.classroom.script import show
from minigrad.distributed.nn.functional import copy_to_ranks, sum_over_ranks
from minigrad.distributed.pipelining import (
    PipelineStage,
    ScheduleGPipe,
    bubble,
    gather_timeline,
    gpipe_order,
    one_f_one_b_order,
    simulate,
)
from minigrad.nn import functional as F
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.plot.style import COLOURS, figure

RANKS = ranks_can_start()

# %% [markdown]
# ## One batch in two shards
# Data parallel: every rank has the whole net and a part of the batch, a *shard*. The loss is a mean over the batch, so
# the mean of equal shards' gradients is the whole batch's gradient. But only to rounding: the numbers are the same,
# the order in which they are added isn't. With unequal shards the plain mean is wrong, and by a lot: each shard must
# count by its size. No rank is needed to see this.


# %%
def net_and_batch(seed=0, norm=False, rows=32):
    """A residual net in float64 and a batch, the same for everyone who asks with this seed."""
    mg.manual_seed(seed)
    block = nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8)))
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8) if norm else nn.Identity(), block, nn.Linear(8, 3)).double()
    rng = np.random.default_rng(seed)
    return net, mg.tensor(rng.standard_normal((rows, 6))), mg.tensor(rng.integers(0, 3, rows))


def gradient(net, x, t):
    """All parameters' gradients of the mean loss, as one vector."""
    net.zero_grad()
    F.cross_entropy(net(x), t).backward()
    return np.concatenate([p.grad.array.ravel() for p in net.parameters()])


def off_by(sizes, weights, seed=0, norm=False):
    """How far the weighted sum of shards' gradients is from the whole batch's, relative to its norm."""
    net, x, t = net_and_batch(seed, norm)
    whole = gradient(net, x, t)
    edges = np.cumsum([0, *sizes])
    shards = [gradient(net, x[a:b], t[a:b]) for a, b in itertools.pairwise(edges)]
    total = sum(w * g for w, g in zip(weights, shards, strict=True))
    return np.linalg.norm(total - whole) / np.linalg.norm(whole)


print(f"equal shards, plain mean:      off by {off_by([16, 16], [1 / 2, 1 / 2]):.1e}")
print(f"28 and 4, plain mean:          off by {off_by([28, 4], [1 / 2, 1 / 2]):.1%}")
print(f"28 and 4, weighed by size:     off by {off_by([28, 4], [28 / 32, 4 / 32]):.1e}")
print(f"equal shards, batch norm:      off by {off_by([16, 16], [1 / 2, 1 / 2], norm=True):.1%}")

# %% [markdown]
# The last line is batch normalisation: it takes mean and variance over the shard, not over the batch, so it computes
# another function on each rank. No weight mends that; the ranks must sum their statistics in forward already, and the
# gradients of those sums in backward. `nn.SyncBatchNorm` does.
#
# `DistributedDataParallel` sums gradients while backward still runs: a bucket of them leaves as soon as it is full.
# With `weigh_by_samples` it weighs shards by their size. On two ranks, with shards of 28 and 4:


# %%
def data_parallel(norm):
    """How far this rank's gradients are from those of one process with the whole batch, with unequal shards."""
    net, x, t = net_and_batch(norm=norm)
    whole = gradient(net, x, t)
    mine = slice(0, 28) if dist.get_rank() == 0 else slice(28, 32)
    ddp = DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(net), weigh_by_samples=True)
    return float(np.linalg.norm(gradient(ddp, x[mine], t[mine]) - whole) / np.linalg.norm(whole))


if RANKS:
    print("without batch norm, each rank is off by", on_ranks(data_parallel, 2, False))
    print("with SyncBatchNorm, each rank is off by", on_ranks(data_parallel, 2, True))

# %% [markdown]
# ## f and g
# Tensor parallel: two layers with their 8 hidden units dealt out, 4 to each rank. Both ranks have the same input and
# want the same output. So there is a node before the layers and one behind them, and Megatron-LM calls them f and g:
#
# | | forward | backward | in lesson 7 |
# |---|---|---|---|
# | f, `CopyToRanks` | the identity | *sum* over ranks | a fork |
# | g, `SumOverRanks` | *sum* over ranks | the identity | a join by addition |
#
# The backward of each is the forward of the other. See it in the stepper of rank 0: at g the gradient goes on as it is;
# at f, `gy` is what this rank's hidden units say about the input, and what leaves is the sum with the other rank's.


# %%
def two_layers(walk):
    """A linear layer, tanh, a linear layer, with 8 hidden units dealt out; gives how far x's gradient is off."""
    mg.manual_seed(2)
    up, down = nn.Linear(2, 8, bias=False).double(), nn.Linear(8, 2, bias=False).double()
    x = mg.tensor([[1.0, -2.0]], dtype=mg.float64, requires_grad=True)
    down(up(x).tanh()).sum().backward()  # the whole thing, in this process
    whole, x.grad = x.grad.array.copy(), None

    part = slice(4 * dist.get_rank(), 4 * dist.get_rank() + 4)
    hidden = F.linear(copy_to_ranks(x), up.weight[part]).tanh()
    y = sum_over_ranks(F.linear(hidden, down.weight[:, part]))
    commands = ["b SumOverRanks", "c", "p gy", "p gx", "b CopyToRanks", "c", "p gy", "p gx", "q"]
    if walk and dist.get_rank() == 0:
        inspect.step(y.sum(), commands=commands)
    else:
        y.sum().backward()
    return float(np.abs(x.grad.array - whole).max())


if RANKS:
    print("the gradient of x is off by", on_ranks(two_layers, 2, True))

# %% [markdown]
# ## A deadlock, and its cure
# Ranks wait for each other. Let both send first and then receive: MPI puts a small message aside and goes on, so it
# works with 8 kB. With 80 kB it waits for the receiver, who waits too: for ever. The debug level `DETAIL` (an
# environment variable, `MINIGRAD_DISTRIBUTED_DEBUG=DETAIL`) makes every `send` wait for its receiver, so the mistake
# shows however small the message, and says where each rank waits.


# %%
def swap(numbers, in_turn):
    """Swap arrays with the other rank: both send first, or one after the other."""
    out, into = mg.full((numbers,), float(dist.get_rank())), mg.zeros(numbers)
    other = 1 - dist.get_rank()
    if in_turn and dist.get_rank() == 1:
        dist.recv(into, other)
        dist.send(out, other)
    else:
        dist.send(out, other)
        dist.recv(into, other)
    return into[0].item()


if RANKS:
    print("both send 8 kB first: each has", on_ranks(swap, 2, 2_000, False))
    try:
        on_ranks(swap, 2, 20_000, False, detail=True)
    except RanksFailed as failed:
        lines = failed.told.splitlines()
        start = next(i for i, line in enumerate(lines) if "deadlock" in line)
        print("both send 80 kB first:\n ", "\n  ".join(line.split("lessons")[-1] for line in lines[start : start + 5]))
    print("one sends and one receives first: each has", on_ranks(swap, 2, 20_000, True))

# %% [markdown]
# ## A pipeline and its bubble
# Pipeline: each rank has some of the layers, a *stage*, and a batch goes through them in micro-batches. A stage waits
# until the first arrives, and again when the last has left. With K stages and M micro-batches of equal work that is K
# - 1 turns of M + K - 1: the *bubble*. GPipe runs all micro-batches forward, then all backward, and keeps the
# activations of all M; 1F1B goes backward as soon as it can, and keeps at most K. Their bubbles are equal.

# %%
K, M = 4, 8
schedules = {"GPipe": gpipe_order, "1F1B": one_f_one_b_order}
fig, axes = figure(2, 1, width=9, height=6.4)
for ax, (name, order) in zip(axes, schedules.items(), strict=True):
    events = simulate([order(stage, K, M) for stage in range(K)], forward=1, backward=2)
    plot.pipeline(events, ax)
    ax.set_title(f"{name}: bubble {bubble(events):.1%}", loc="right", fontsize=10)
show(fig, "20_schedules", "Time goes to the right. Both orders leave the same part hatched or empty,"
     "\nbut 1F1B never has more than four micro-batches on their way.")  # fmt: skip

print("stages  micro-batches  bubble, from the schedule  (K - 1)/(M + K - 1)")
bubbles = {}
for k, m in ((2, 4), (4, 4), (4, 8), (4, 32), (8, 32)):
    bubbles[k, m] = bubble(simulate([gpipe_order(stage, k, m) for stage in range(k)]))
    print(f"{k:<6}  {m:<13}  {bubbles[k, m]:<25.4f}  {(k - 1) / (m + k - 1):.4f}")

# %% [markdown]
# What is computed is what one process computes: the border between two stages is a pair of nodes, and a gradient
# comes back over it. Here is a real one, on two ranks, with its measured times.


# %%
def staged():
    """A step of four wide blocks in two stages: how far this stage's gradients are off, and everyone's events."""
    rank = dist.get_rank()
    mg.manual_seed(0)
    blocks = [nn.Residual(nn.Sequential(nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 256))) for _ in range(4)]
    net = nn.Sequential(*blocks, nn.Linear(256, 3)).double()
    x, t = mg.randn(512, 256, dtype=mg.float64), mg.randint(0, 3, (512,))
    gradient(net, x, t)  # the whole net, in this process
    mine = (net[:2], net[2:])[rank]
    whole = np.concatenate([p.grad.array.ravel() for p in mine.parameters()])
    schedule = ScheduleGPipe(PipelineStage(mine, rank, 2), 4, F.cross_entropy)
    for _ in range(2):  # (the first time, kernels are compiled or loaded)
        mine.zero_grad()
        dist.barrier()
        schedule.step(*([x] if rank == 0 else []), target=t if rank == 1 else None)
    found = np.concatenate([p.grad.array.ravel() for p in mine.parameters()])
    return float(np.linalg.norm(found - whole) / np.linalg.norm(whole)), gather_timeline(schedule.events)


if RANKS:
    ranks = on_ranks(staged, 2)
    print("each stage's gradients are off by", [off for off, _ in ranks])
    fig, ax = figure(width=9, height=3.6)
    plot.pipeline([e._replace(start=1e3 * e.start, end=1e3 * e.end) for e in ranks[0][1]], ax)
    ax.set_xlabel("milliseconds")
    show(fig, "20_measured", "Measured on two ranks, each with two of four blocks. Where a rank is hatched it waits for"
         "\nthe other; what else runs on the machine shows too.")  # fmt: skip

# %% [markdown]
# ## And on a thousand ranks?
# Summing n bytes over k ranks takes 2 (k - 1) messages of n/k bytes on each, if all work at once. Each costs a
# latency, and the bytes cost bandwidth. So the bytes hardly grow with k, but the latencies do; and a rank's share of
# the work shrinks. With a latency of 5 microseconds, 10 GB/s, 100 MB of gradients and 1 s of work on one rank:

# %%
LATENCY, BANDWIDTH = 5e-6, 10e9


def all_reduce_seconds(ranks, size):
    """The time of a ring: 2 (k - 1) messages of ``size / k`` bytes (Patarasuk and Yuan, 2009)."""
    return 2 * (ranks - 1) * (LATENCY + size / ranks / BANDWIDTH)


numbers = 2 ** np.arange(11)
fixed_batch = [1 / (1 / k + all_reduce_seconds(k, 100e6)) for k in numbers]
growing = [k / (1 + all_reduce_seconds(k, 100e6)) for k in numbers]
fig, ax = figure(width=8, height=4.6)
ax.plot(numbers, numbers, color=COLOURS["neutral"], linestyle=":", label="as many times as fast as there are ranks")
ax.plot(numbers, growing, color=COLOURS["residual"], marker="o", label="each rank has a batch of its own")
ax.plot(numbers, fixed_batch, color=COLOURS["plain"], marker="s", label="one batch, divided among all")
ax.set(xscale="log", yscale="log", xlabel="ranks", ylabel="times the speed of one")
ax.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
ax.legend()
show(
    fig, "20_scaling", "A batch that is divided ever finer stops paying: its sum takes as long on any number of ranks."
)

# %%
print(f"Conclusion: shards of 28 and 4 need weights: the plain mean is {off_by([28, 4], [0.5, 0.5]):.0%} off, the"
      f" weighed one {off_by([28, 4], [28 / 32, 4 / 32]):.0e}.\nBatch norm breaks the equality by"
      f" {off_by([16, 16], [0.5, 0.5], norm=True):.0%}. The bubble of 4 stages and 8 micro-batches is"
      f" {bubbles[4, 8]:.1%}, with 32 it is {bubbles[4, 32]:.1%}.")  # fmt: skip
