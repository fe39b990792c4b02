"""1. The chain rule: a scalar expression, backward by hand, then by the engine, line by line.

Minutes: 20. Before it: nothing but derivatives. Shows: what a node is, and that backward is local.
Papers: Linnainmaa (1970), Rumelhart, Hinton and Williams (1986).
"""

# %% [markdown]
# A neural net is a long expression, and training asks one question of it: if I nudge this number, how does the loss
# move? The chain rule answers it without nudging anything. Here the expression is so short that you can do every step
# with a pencil: one neuron with one input, w * x + b, squashed by tanh, and its squared distance to a target.

# %%
import argparse
import math
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.plot.style import COLOURS, figure, save

POINT = {"w": 0.5, "x": 2.0, "b": -0.25, "target": 0.2}

# %% [markdown]
# ## By hand
# Forward, we give every intermediate value a name. Backward, we go through the same lines from the last to the
# first. For each value v we want g_v, the derivative of the loss with respect to v. We know one of them at once:
# g_loss = 1. Every other comes from the one after it, times one *local slope*: how the next line's result moves if
# its input moves. No line needs to know what comes before it or after it. That is the whole secret.


# %%
def by_hand(w, x, b, target):
    """Values and gradients of every name, computed on plain numbers."""
    a = w * x
    z = a + b
    y = math.tanh(z)
    e = y - target
    loss = e**2

    g_loss = 1.0
    g_e = g_loss * 2 * e  # the slope of e**2 is 2 e
    g_y = g_e * 1  # e moves as y does
    g_z = g_y * (1 - y**2)  # the slope of tanh, from its own output
    g_a = g_z * 1  # an addition hands its gradient on ...
    g_b = g_z * 1  # ... to both of its inputs
    g_w = g_a * x  # a product hands each input the *other* one, times the gradient
    g_x = g_a * w
    values = {"w": w, "x": x, "b": b, "a": a, "z": z, "y": y, "e": e, "loss": loss}
    return values, {"w": g_w, "x": g_x, "b": g_b, "a": g_a, "z": g_z, "y": g_y, "e": g_e, "loss": g_loss}


# %% [markdown]
# ## By the engine
# With tensors the same five lines build a graph as they compute. Each operation leaves a *node*: it knows its inputs,
# and it keeps what its own backward will need. `vars(node)` shows what it kept: tanh keeps its output y, because the
# slope is 1 - y**2; the product keeps both its inputs, because each is the other's slope.


# %%
def expression(w, x, b, target):
    """The same expression on tensors: the loss, and every tensor by name."""
    w, x, b = (mg.tensor([v], dtype=mg.float64, requires_grad=True) for v in (w, x, b))  # one number each
    a = w * x
    z = a + b
    y = mg.tanh(z)
    e = y - target
    loss = e**2
    return loss, {"w": w, "x": x, "b": b, "a": a, "z": z, "y": y, "e": e, "loss": loss}


# %% [markdown]
# `mg.backward_steps(loss)` is the backward pass, one node at a time: what arrived at the node's output, and what its
# rule sent to its inputs. `loss.backward()` does the same and shows nothing. Run this cell in a debugger with a
# breakpoint on the `print`, and you stop between two applications of the chain rule.


# %%
def by_steps(w, x, b, target, show=False):
    """The gradient of every name, by the engine; with `show`, each step is printed."""
    loss, names = expression(w, x, b, target)
    for step in mg.backward_steps(loss):
        if show:
            sent = ", ".join("-" if g is None else f"{g.item():.4f}" for g in step.grad_inputs)
            source = step.node.source.text if step.node.source else ""
            kind = type(step.node).__name__
            print(f"  {kind:<11} made by {source:<18} gets {step.grad_outputs[0].item():8.4f}, sends {sent}")
    return {name: tensor.grad.item() for name, tensor in names.items()}


# %% [markdown]
# ## The judge: a nudge
# Both could be wrong in the same way, so we ask the question as it was meant: move one input by h to either side, and
# see what the loss does. This costs two forward passes for *each* input. Backward costs about one more forward pass
# for *all* of them: with a million weights, that is the difference between an afternoon and a lifetime.


# %%
def by_nudge(point, name, h=1e-6):
    """The derivative with respect to one input, by a central difference."""
    up, down = ({**point, name: point[name] + sign * h} for sign in (1, -1))
    return (by_hand(**up)[0]["loss"] - by_hand(**down)[0]["loss"]) / (2 * h)


def worst_errors(seed):
    """The largest differences from the gradient by hand, at a random point: the engine's, and the nudges'."""
    rng = np.random.default_rng(seed)
    point = {name: float(rng.normal()) for name in POINT}
    hand, steps = by_hand(**point)[1], by_steps(**point)
    engine = max(abs(hand[name] - steps[name]) for name in hand)
    return engine, max(abs(hand[name] - by_nudge(point, name)) for name in ("w", "x", "b"))


def downhill(seed, rate=0.01):
    """What the loss does after one small step against the gradient; the gradient promises -rate * |g|^2."""
    rng = np.random.default_rng(seed)
    point = {name: float(rng.normal()) for name in POINT}
    g = by_steps(**point)
    moved = {**point, **{name: point[name] - rate * g[name] for name in ("w", "b")}}
    change = by_hand(**moved)[0]["loss"] - by_hand(**point)[0]["loss"]
    return change, -rate * (g["w"] ** 2 + g["b"] ** 2)


# %%
PLACES = {"w": (0, 2), "x": (0, 1), "b": (1, 0), "a": (1, 1.5), "z": (2, 1), "y": (3, 1), "e": (4, 1), "loss": (5, 1)}
ARROWS = {("w", "a"): "x", ("x", "a"): "w", ("a", "z"): "1", ("b", "z"): "1",
          ("z", "y"): "1 - y²", ("y", "e"): "1", ("e", "loss"): "2 e"}  # fmt: skip


def draw(values, gradients, folder):
    """Two figures: the graph with its numbers, and the loss along w with the slope that backward found."""
    fig, ax = figure(width=9, height=4.4)
    ax.axis("off")
    for (start, end), slope in ARROWS.items():
        (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
        line = {"arrowstyle": "->", "shrinkA": 26, "shrinkB": 26, "color": COLOURS["neutral"]}
        ax.annotate("", (x1, y1), (x0, y0), arrowprops=line)
        ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.13, f"× {slope}", ha="center", fontsize=10, color=COLOURS["neutral"])
    for name, (px, py) in PLACES.items():
        ax.text(px, py, name, ha="center", va="center", fontsize=13, bbox={"boxstyle": "round", "fc": "white"})
        ax.text(px, py + 0.24, f"{values[name]:.3f}", ha="center", color=COLOURS["skip"], fontsize=11)
        ax.text(px, py - 0.34, f"{gradients[name]:.3f}", ha="center", color=COLOURS["plain"], fontsize=11)
    ax.set(xlim=(-0.4, 5.4), ylim=(-0.6, 2.5))
    ax.text(3, 2.2, "above a name: its value, computed left to right", color=COLOURS["skip"], fontsize=11)
    ax.text(3, 1.95, "below it: its gradient, computed right to left", color=COLOURS["plain"], fontsize=11)
    fig.text(0.5, 0.03, "Each gradient is the next one times the slope on the arrow between them.", ha="center")
    fig.subplots_adjust(left=0.02, right=0.98, top=0.98, bottom=0.08)
    print("figure:", save(fig, folder / "01_graph.png"))

    fig, ax = figure(width=8, height=4.6)
    w = np.linspace(-1.5, 1.5, 200)
    ax.plot(w, [by_hand(**{**POINT, "w": v})[0]["loss"] for v in w], color=COLOURS["neutral"], label="the loss")
    near = np.array([-0.45, 0.45]) + POINT["w"]
    ax.plot(near, values["loss"] + gradients["w"] * (near - POINT["w"]), color=COLOURS["plain"], linestyle="--",
            label=f"slope by backward: {gradients['w']:.3f}")  # fmt: skip
    ax.plot(POINT["w"], values["loss"], "o", color=COLOURS["plain"])
    ax.set(xlabel="w (x, b and the target stay)", ylabel="loss (no unit)")
    ax.legend()
    text = "The gradient is the slope of the loss at the point where we stand, and promises no more."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "01_slope.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    values, gradients = by_hand(**POINT)
    print("The backward pass, latest node first:")
    steps = by_steps(**POINT, show=True)
    print("\nname    value  by hand  by the engine")
    for name, value in values.items():
        print(f"{name:<5} {value:7.4f}  {gradients[name]:7.4f}  {steps[name]:13.4f}")
    engine, nudge = np.max([worst_errors(seed) for seed in range(5)], axis=0)
    change, promised = downhill(0)
    print(f"\nConclusion: at five random points the engine's gradients differ from those by hand by at most"
          f"\n{engine:.0e}, a nudge's by {nudge:.0e}. One small step downhill changed the loss by {change:.6f};"
          f" the gradient had promised {promised:.6f}.")  # fmt: skip
    draw(values, gradients, folder)


if __name__ == "__main__":
    main()
