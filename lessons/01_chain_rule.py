"""1. The chain rule: a scalar expression, backward by hand, then by the engine, line by line.

Minutes: 20. Before it: nothing but derivatives. Shows: what a node is, and that backward is local.
Papers: Linnainmaa (1970), Rumelhart, Hinton and Williams (1986).
"""

# %% [markdown]
# A neural net is a long expression, and training asks one question of it: if I nudge this number, how does the loss
# move? The chain rule answers it without nudging anything. Here the expression is so short that you can do every step
# with a pencil: one neuron with one input, w * x + b, squashed by tanh, and its squared distance to a target.

# %%
import math

import numpy as np

import minigrad as mg
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

POINT = {"w": 0.5, "x": 2.0, "b": -0.25, "target": 0.2}

# %% [markdown]
# ## Forward
# Every intermediate value gets a name.


# %%
def forward(w, x, b, target):
    """The value of every name, on plain numbers."""
    a = w * x
    z = a + b
    y = math.tanh(z)
    e = y - target
    loss = e**2
    return {"w": w, "x": x, "b": b, "a": a, "z": z, "y": y, "e": e, "loss": loss}


values = forward(**POINT)
print({name: round(value, 4) for name, value in values.items()})

# %% [markdown]
# ## Backward, by hand
# We go through the same lines from the last to the first. For each value v we want g_v, the derivative of the loss
# with respect to v. We know one of them at once: g_loss = 1. Every other comes from the one after it, times one *local
# slope*: how the next line's result moves if its input moves. No line needs to know what comes before it or after it.
# That is the whole secret.


# %%
def by_hand(w, x, y, e, **others):
    """The gradient of every name, from the values."""
    g_loss = 1.0
    g_e = g_loss * 2 * e  # the slope of e**2 is 2 e
    g_y = g_e * 1  # e moves as y does
    g_z = g_y * (1 - y**2)  # the slope of tanh, from its own output
    g_a = g_b = g_z * 1  # an addition hands its gradient on to both of its inputs
    g_w = g_a * x  # a product hands each input the *other* one, times the gradient
    g_x = g_a * w
    return {"w": g_w, "x": g_x, "b": g_b, "a": g_a, "z": g_z, "y": g_y, "e": g_e, "loss": g_loss}


hand = by_hand(**values)
for name in reversed(values):
    print(f"g_{name:<5} {hand[name]:7.4f}")

# %% [markdown]
# The same numbers, on the graph. Read the blue ones from left to right and the orange ones from right to left.

# %%
PLACES = {"w": (0, 2), "x": (0, 1), "b": (1, 0), "a": (1, 1.5), "z": (2, 1), "y": (3, 1), "e": (4, 1), "loss": (5, 1)}
SLOPES = {"wa": "x", "xa": "w", "az": "1", "bz": "1", "zy": "1 - y²", "ye": "1", "e": "2 e"}  # "wa": from w to a

fig, ax = figure(width=9, height=4.4)
for ends, slope in SLOPES.items():
    start, end = np.array(PLACES[ends[0]]), np.array(PLACES[ends[1:] or "loss"])
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "shrinkA": 26, "shrinkB": 26})
    ax.text(*(start + end) / 2 + (0, 0.13), f"× {slope}", ha="center", fontsize=11, color=COLOURS["neutral"])
for name, (px, py) in PLACES.items():
    ax.text(px, py, name, ha="center", va="center", fontsize=13, bbox={"boxstyle": "round", "fc": "white"})
    ax.text(px, py + 0.24, f"{values[name]:.3f}", ha="center", color=COLOURS["skip"], fontsize=12)
    ax.text(px, py - 0.36, f"{hand[name]:.3f}", ha="center", color=COLOURS["plain"], fontsize=12)
ax.set(xlim=(-0.4, 5.4), ylim=(-0.5, 2.4))
ax.axis("off")
show(fig, "01_graph", "Above a name, its value, from left to right. Below it, its gradient, from right to left:\n"
     "each gradient is the next one times the slope on the arrow between them.")  # fmt: skip

# %% [markdown]
# ## By the engine
# With tensors the same five lines build a graph as they compute. Each operation leaves a *node*, which knows its inputs
# and the line that made it.


# %%
def on_tensors(w, x, b, target):
    """The value of every name, as tensors of one number; each but the leaves has a node."""
    w, x, b = (mg.tensor([v], dtype=mg.float64, requires_grad=True) for v in (w, x, b))
    a = w * x
    z = a + b
    y = mg.tanh(z)
    e = y - target
    loss = e**2
    return {"w": w, "x": x, "b": b, "a": a, "z": z, "y": y, "e": e, "loss": loss}


tensors = on_tensors(**POINT)
for name, tensor in tensors.items():
    print(f"{name:<5}", tensor.node.source.text if tensor.node else "a leaf: no line made it from others")

# %% [markdown]
# And it keeps what its own backward will need: tanh keeps its output y, because its slope is 1 - y**2; the product
# keeps both its inputs, because each is the other's slope; an addition needs nothing. `vars(node)` shows it.

# %%
for name in ("y", "a", "z"):
    print(f"{tensors[name].node!r:<30} keeps {vars(tensors[name].node)}")

# %% [markdown]
# `mg.backward_steps(loss)` is the backward pass, one node at a time: what arrived at the node's output, and what its
# rule sent to its inputs. `loss.backward()` does the same and shows nothing. Run this cell in a debugger with a
# breakpoint on the `print`, and you stop between two applications of the chain rule.


# %%
def by_steps(loss):
    """Run the backward pass of a loss, and give a line for each step."""
    lines = []
    for step in mg.backward_steps(loss):
        (gy,) = step.grad_outputs
        sent = ", ".join(f"{g.item():.4f}" for g in step.grad_inputs if g is not None)
        lines.append(f"{step.name:<13} gets {gy.item():.4f}, sends {sent}")
    return lines


print("\n".join(by_steps(tensors["loss"])))

# %% [markdown]
# What it sent is what we had found by hand, name by name.

# %%
print("name    value  by hand  by the engine")
for name, value in values.items():
    print(f"{name:<5} {value:7.4f}  {hand[name]:7.4f}  {tensors[name].grad.item():13.4f}")

# %% [markdown]
# ## The judge: a nudge
# Both could be wrong in the same way, so we ask the question as it was meant: move one input by h to either side, and
# see what the loss does. This costs two forward passes for *each* input. Backward costs about one more forward pass
# for *all* of them: with a million weights, that is the difference between an afternoon and a lifetime.


# %%
def by_nudge(point, name, h=1e-6):
    """The derivative with respect to one input, by a central difference."""
    up, down = (forward(**{**point, name: point[name] + step})["loss"] for step in (h, -h))
    return (up - down) / (2 * h)


def worst_errors(seed):
    """The largest differences from the gradient by hand, at a random point: the engine's, and the nudges'."""
    point = dict(zip(POINT, np.random.default_rng(seed).normal(size=4), strict=True))
    by_name, tensors = by_hand(**forward(**point)), on_tensors(**point)
    by_steps(tensors["loss"])
    engine = max(abs(by_name[name] - tensors[name].grad.item()) for name in by_name)
    return engine, max(abs(by_name[name] - by_nudge(point, name)) for name in ("w", "x", "b"))


engine, nudge = np.max([worst_errors(seed) for seed in range(5)], axis=0)
print(f"at five random points: the engine differs from the hand by {engine:.0e}, a nudge by {nudge:.0e}")

# %% [markdown]
# ## What it is good for
# One small step against the gradient: the loss falls, and by as much as the gradient promised, rate * |g|^2. That is
# training, and lesson 5 does nothing else.


# %%
def downhill(seed, rate=0.01):
    """What the loss does after one small step against the gradient; the gradient promises -rate * |g|^2."""
    point = dict(zip(POINT, np.random.default_rng(seed).normal(size=4), strict=True))
    before = forward(**point)
    g = by_hand(**before)
    after = forward(**{**point, "w": point["w"] - rate * g["w"], "b": point["b"] - rate * g["b"]})
    return after["loss"] - before["loss"], -rate * (g["w"] ** 2 + g["b"] ** 2)


change, promised = downhill(0)
print(f"Conclusion: the engine's gradient is the one by hand, up to rounding ({engine:.0e}). One small step downhill"
      f"\nchanged the loss by {change:.6f}; the gradient had promised {promised:.6f}.")  # fmt: skip
