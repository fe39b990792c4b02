"""2. The order: why backward goes through the graph in reverse topological order.

Minutes: 25. Before it: lesson 1. Shows: C2.
Papers: Linnainmaa (1970), Veit, Wilber and Belongie (2016).
"""

# %% [markdown]
# In lesson 1 the expression was a chain with one way back. A residual block has two: y = x + F(x). We write an
# engine in twenty lines, the way most people write their first one: each value pushes its gradient to its inputs, and
# calls itself on them. It is right on chains. It is right on one residual block. On two it says 7 where 4 is true.

# %%
import argparse
from collections import Counter
from pathlib import Path

import minigrad as mg
from minigrad import skip
from minigrad.plot.style import COLOURS, figure, save


# %%
class Value:
    """A number that remembers what it was made of: pairs of an input and the local slope."""

    def __init__(self, data, made_of=()):
        self.data = data
        self.made_of = made_of
        self.grad = 0.0

    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, number):
        return Value(self.data * number, ((self, number),))


def push(value, visits):
    """The rule of every value: send the gradient, times the slope, to each input. Counts its calls."""
    visits[value] += 1
    for source, slope in value.made_of:
        source.grad += slope * value.grad


def backward_broken(value, visits):
    """The recursion that comes to mind first. It is wrong: see below."""
    visits[value] += 1
    for source, slope in value.made_of:
        source.grad += slope * value.grad
        backward_broken(source, visits)


# %% [markdown]
# ## Two stacked residual blocks
# The branch is F(x) = 1 * x, so a block computes x + x, and n blocks 2^n * x. The gradient must be 2^n: 4 for two.


# %%
def residual_stack(blocks, factor=1.0):
    """`blocks` times x + factor * x; returns x and the end."""
    x = y = Value(1.0)
    for _ in range(blocks):
        y = y + y * factor
    return x, y


def run(engine, blocks, factor=1.0):
    """The gradient at x, and how often rules were applied."""
    x, y = residual_stack(blocks, factor)
    visits = Counter()
    if engine is not backward_routes:  # that one brings its own 1
        y.grad = 1.0
    engine(y, visits)
    return x.grad, visits.total()


# %% [markdown]
# Why 7? Follow it. Call the value between the blocks h. It is reached twice, over the skip and over the branch.
# - Over the skip h.grad becomes 1, and h passes that 1 on at once: x gets 1 + 1 = 2 by its two ways.
# - Over the branch h.grad becomes 2, and h passes on 2. But the first 1 of it *was passed on already*. Worse, the
#   first block's branch value, m = 1 * x, still holds its old 1, and now holds 3. So x gets 2 + 3 = 5 more: 7 in all.
#
# There are two honest ways out. The first: pass on only what is *new*. Then each call carries one route's gradient, and
# x collects one piece from each route from y to x. That is right, and it is the view of C2: n blocks, 2^n routes.
# It is also hopeless: 50 blocks would need 2^50 calls.


# %%
def backward_routes(value, visits, new=1.0):
    """Right, but one call for every value on every route."""
    visits[value] += 1
    value.grad += new
    for source, slope in value.made_of:
        backward_routes(source, visits, new * slope)


# %% [markdown]
# The second: *wait*. A value may pass its gradient on only when everything that used it has had its turn; then its
# gradient is complete, and one visit is enough. "Every user before its sources" is a reverse topological order.
# Depth first search finds one: write a value down after all that it was made of, then read the list backwards. We
# keep a stack of our own, because Python's stops at about a thousand nested calls, and nets get deeper than that.


# %%
def order_of(end):
    """All values that `end` depends on, each after everything it was made of."""
    order, seen, stack = [], set(), [(end, False)]
    while stack:
        value, sources_done = stack.pop()
        if sources_done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack += [(source, False) for source, _ in value.made_of]
    return order


def backward_ordered(end, visits):
    """Right, and each rule is applied once."""
    for value in reversed(order_of(end)):
        push(value, visits)


# %% [markdown]
# ## How minigrad does it
# It numbers nodes as they are made. What a node was made of is always older, so going from the highest number down *is*
# a reverse topological order; read `minigrad/engine/backward.py`. Here are the same two blocks with `skip`: each fork
# is one node, and comes after everything that its two ways lead to.


# %%
def minigrad_run(blocks, show=False):
    """The same stack in minigrad: the gradient at x, and how many nodes had their turn."""
    x = h = mg.tensor([1.0], requires_grad=True)
    for _ in range(blocks):
        s, b = skip.fork(h)
        h = skip.residual_add(s, 1.0 * b)
    turns = 0
    for step in mg.backward_steps(h):
        turns += 1
        if show:
            print(f"  {step.node.name:<15} gets {[g.item() for g in step.grad_outputs]}")
    return x.grad.item(), turns


# %%
ENGINES = {"broken": backward_broken, "route by route": backward_routes, "in order": backward_ordered}


def draw(depths, found, folder):
    """One figure: what each engine says, and what it costs."""
    fig, (left, right) = figure(1, 2, width=10, height=4.6)
    for (name, results), role, marker in zip(found.items(), ("plain", "branch", "residual"), "sxo", strict=True):
        left.semilogy(depths, [g for g, _ in results], color=COLOURS[role], marker=marker, label=name)
        right.semilogy(depths, [calls for _, calls in results], color=COLOURS[role], marker=marker, label=name)
    left.set(title="what it says", xlabel="residual blocks", ylabel="gradient at x (no unit)")
    right.set(title="what it costs", xlabel="residual blocks", ylabel="rules applied (count)")
    left.legend()
    text = "Left: the broken engine leaves the true line. Right: both recursions double with each block."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.2, left=0.08, right=0.98, wspace=0.25)
    print("figure:", save(fig, folder / "02_order.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    depths = range(1, 9)
    found = {name: [run(engine, n) for n in depths] for name, engine in ENGINES.items()}
    print(f"For 1 to {depths[-1]} blocks:")
    for name, results in found.items():
        print(f"  {name:<15} says       ", *(f"{g:.0f}" for g, _ in results))
        print(f"  {'':<15} in calls   ", *(calls for _, calls in results))
    print("\nminigrad on two blocks:")
    gradient, turns = minigrad_run(2, show=True)
    try:
        run(backward_broken, 1000, 0.0)
        deep = "finishes"
    except RecursionError:
        deep = "ends in a RecursionError"
    print(f"\nConclusion: on two stacked residual blocks the broken engine says {found['broken'][1][0]:.0f}, the truth"
          f" is {gradient:.0f};\non one block it says {found['broken'][0][0]:.0f}, which is right: a test on one block"
          f" would not have caught it."
          f"\nOn {depths[-1]} blocks, route by route takes {found['route by route'][-1][1]} calls, in order"
          f" {found['in order'][-1][1]}. minigrad took {turns} turns for two."
          f"\nOn 1,000 blocks the recursion {deep}; in order it takes"
          f" {run(backward_ordered, 1000, 0.0)[1]:,} calls.")  # fmt: skip
    draw(depths, found, folder)


if __name__ == "__main__":
    main()
