"""22. Reversible blocks: a net that keeps nothing, because backward can compute what came in from what went out.

Minutes: 25. Before it: lesson 7. Facts: F9.
Papers: Gomez et al. (2017, "The reversible residual network"), Chen et al. (2016, "Training deep nets with sublinear
memory cost").
"""

# %% [markdown]
# A branch keeps what its backward needs: inputs, masks. So memory grows with depth. A residual block x + F(x) can't be
# undone in general, but a *coupled* one can. Two halves: y1 = x1 + F(x2), y2 = x2 + G(y1). From the outputs come the
# inputs: x2 = y2 - G(y1), x1 = y1 - F(x2). Nothing needs to be kept.

# %%
import time
import tracemalloc

import numpy as np

import minigrad as mg
from minigrad import inspect, nn
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure
from minigrad.utils.checkpoint import checkpoint

WIDTH = 16  # of each half


def half(scale=1.0):
    """F or G: two dense layers."""
    layers = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
    for layer in (layers[0], layers[2]):
        layer.weight.data *= scale
    return layers


def blocks(count, seed=0, scale=1.0):
    """Some reversible blocks."""
    mg.manual_seed(seed)
    return [nn.Reversible(half(scale), half(scale)) for _ in range(count)]


block = blocks(1)[0]
x = mg.randn(3, 2 * WIDTH)
print("rebuilt to:", abs(block.inverse(block(x)).array - x.array).max())

# %% [markdown]
# A block alone is two forks and two joins, as you know them. A `ReversibleSequence` of blocks is one node: its rule
# goes from the last block to the first, rebuilds the inputs of each, runs F and G again with their graph, and goes back
# through that. Its law, which `inspect.laws` checks: the inputs that it arrives at are those of forward.

# %%
x = mg.randn(3, 2 * WIDTH, requires_grad=True)
print(inspect.laws(block(x).square().sum()))
print(inspect.laws(nn.ReversibleSequence(*blocks(8))(x).square().sum()))

# %% [markdown]
# ## Memory against depth
# Three nets of the same blocks and the same gradients: plain, with a checkpoint around each block (keep each block's
# input, compute the rest again), and reversible. What is measured is the peak of one forward and backward pass.

# %%
DEPTHS = (4, 8, 16, 32)


def run(kind, made, x):
    """Forward and backward."""
    if kind == "reversible":
        y = nn.ReversibleSequence(*made)(x)
    else:
        y = x
        for its in made:
            y = checkpoint(its, y) if kind == "checkpointed" else its(y)
    y.square().mean().backward()


def peak(kind, depth, batch=1000):
    """The peak of memory in MB, and the seconds that it takes."""
    made, x = blocks(depth), mg.ones(batch, 2 * WIDTH, requires_grad=True)
    run(kind, made, x)  # compiles, and makes room for the gradients
    x.grad = None
    started = time.perf_counter()
    run(kind, made, x)
    seconds = time.perf_counter() - started
    x.grad = None
    tracemalloc.start()
    run(kind, made, x)
    found = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return found, seconds


KINDS = ("plain", "checkpointed", "reversible")
measured = {kind: [peak(kind, depth) for depth in DEPTHS] for kind in KINDS}
for kind, found in measured.items():
    cells = "  ".join(f"{mb:6.2f} MB {1000 * s:5.1f} ms" for mb, s in found)
    print(f"{kind:13s} at {', '.join(map(str, DEPTHS))} blocks: {cells}")

fig, ax = figure(width=7.5, height=4.4)
styles = {"plain": ("plain", "s"), "checkpointed": ("third", "^"), "reversible": ("residual", "o")}
for kind, (colour, mark) in styles.items():
    ax.plot(DEPTHS, [mb for mb, _ in measured[kind]], color=COLOURS[colour], marker=mark, label=kind)
ax.set(xlabel="blocks", ylabel="peak memory of a pass, MB", xticks=DEPTHS, ylim=(0, None))
ax.legend()
show(fig, "22_memory", "Plain: in proportion to depth. Checkpoints: a smaller proportion. Reversible: only the weights'"
     "\ngradients grow.")  # fmt: skip

# %% [markdown]
# It costs time: F and G run twice, as with checkpoints.
#
# ## Drift
# Rebuilt is not kept: each subtraction rounds. How far off is the input after going back through L blocks? It depends
# on the weights too: where a block stretches differences, rounding is stretched.

# %%


def drift(depth, dtype, scale=1.0, seed=0):
    """By how much the rebuilt input differs, as a part of the input's size."""
    chain = nn.Sequential(*blocks(depth, seed, scale)).to(dtype)
    mg.manual_seed(100 + seed)
    x = mg.randn(8, 2 * WIDTH, dtype=dtype)
    with mg.no_grad():
        y = chain(x)
        for its in reversed(list(chain)):
            y = its.inverse(y)
    return float(abs(y.array - x.array).max() / abs(x.array).max())


LENGTHS = (1, 2, 5, 10, 20, 50, 100)
fig, ax = figure(width=7.5, height=4.4)
for dtype, mark in ((mg.float32, "o"), (mg.float64, "s")):
    for scale, line in ((1.0, "-"), (2.0, "--")):
        found = [drift(length, dtype, scale) for length in LENGTHS]
        print(f"{np.dtype(dtype).name}, weights times {scale:g}: " + "  ".join(f"{d:.0e}" for d in found))
        colour = COLOURS["plain" if dtype == mg.float32 else "residual"]
        ax.plot(LENGTHS, found, color=colour, marker=mark, linestyle=line,
                label=f"{np.dtype(dtype).name}, weights times {scale:g}")  # fmt: skip
ax.set(xscale="log", yscale="log", xlabel="blocks", ylabel="error of the rebuilt input", ylim=(1e-17, 10))
ax.legend(fontsize=8)
show(fig, "22_drift", "Rounding adds up slowly where weights are small. Where they stretch (dashed), it is stretched"
     "\nwith every block, until nothing is left of the input.")  # fmt: skip

# %% [markdown]
# ## What is bought, and with what
# Memory no longer grows with depth, since backward asks the outputs for the inputs. The price is time, F and G once
# more, and exactness: the gradient belongs to an input that differs from the true one by the drift above.

# %%
mb = {kind: [found[0] for found in measured[kind]] for kind in KINDS}
more = {kind: found[-1] / found[0] for kind, found in mb.items()}
print(f"Conclusion: from {DEPTHS[0]} to {DEPTHS[-1]} blocks a plain pass needs {more['plain']:.1f} times the memory, a"
      f" reversible one {more['reversible']:.2f} times.\nInputs are rebuilt through 50 blocks to"
      f" {drift(50, mg.float64):.0e} in float64, to {drift(50, mg.float32):.0e} in float32.")  # fmt: skip
