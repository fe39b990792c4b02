"""2. The order: why backward goes through the graph in reverse topological order.

Minutes: 30. Before it: lesson 1. Shows: C2.
Papers: Linnainmaa (1970), Veit, Wilber and Belongie (2016).
"""

# %% [markdown]
# In lesson 1 there was one way back. A residual block has two: y = x + F(x). We write an engine in twenty lines, as
# most people write their first: each value pushes its gradient to its inputs, and calls itself on them. It is right on
# chains, and right on one residual block. On two it says 7 where 4 is true.

# %%
import inspect as python_inspect

import minigrad as mg
import minigrad.engine.walk
from minigrad import skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure


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


def backward_broken(value):
    """The recursion that comes to mind first. It is wrong: see below. It gives the number of calls."""
    calls = 1
    for source, slope in value.made_of:
        source.grad += slope * value.grad
        calls += backward_broken(source)
    return calls


x = Value(1.0)
y = x * 2 * 3
y.grad = 1.0
backward_broken(y)
print("a chain, x * 2 * 3:", x.grad)

# %% [markdown]
# Right, on a chain. Now we stack residual blocks. The branch is F(x) = 1 * x, so a block computes x + x, and n blocks
# 2^n * x. The gradient must be 2^n: 2 for one, 4 for two.


# %%
def run(engine, blocks, factor=1.0):
    """`blocks` times x + factor * x: the gradient at x, and how often rules were applied."""
    x = y = Value(1.0)
    for _ in range(blocks):
        y = y + y * factor
    y.grad = 1.0
    calls = engine(y)
    return x.grad, calls


for blocks in range(1, 6):
    print(f"{blocks} blocks: the broken engine says {run(backward_broken, blocks)[0]:.0f}, right is {2**blocks}")

# %% [markdown]
# Why 7? Follow it. Call the value between the blocks h. It is reached twice, over the skip and over the branch.
# - Over the skip h.grad becomes 1, and h passes that 1 on at once: x gets 1 + 1 = 2 by its two ways.
# - Over the branch h.grad becomes 2, and h passes on 2. But the first 1 of it *was passed on already*. Worse, the
#   first block's branch value, m = 1 * x, still holds its old 1, and now holds 3. So x gets 2 + 3 = 5 more: 7 in all.
#
# See it: the same engine, printing what each call passes on.


# %%
def backward_told(value, names, depth=0):
    """The broken engine, telling what it does."""
    for source, slope in value.made_of:
        source.grad += slope * value.grad
        name, passed = names[value], slope * value.grad
        print("  " * depth + f"{name} passes {passed:g} to {names[source]}, which now holds {source.grad:g}")
        backward_told(source, names, depth + 1)


x = Value(1.0)
m = x * 1
h = x + m
n = h * 1
y = h + n
y.grad = 1.0
backward_told(y, {x: "x", m: "m", h: "h", n: "n", y: "y"})

# %% [markdown]
# There are two honest ways out. The first: pass on only what is *new*. Then each call carries one route's gradient,
# and x collects a piece from each route. At every block a route goes over the skip or through the branch, so n blocks
# have 2^n routes. It is hopeless: 50 blocks need 2^50 calls.


# %%
def backward_routes(value, new=1.0):
    """Right, but one call for every value on every route. Compare it with the broken one."""
    calls = 1
    for source, slope in value.made_of:
        source.grad += slope * new
        calls += backward_routes(source, slope * new)
    return calls


for blocks in (1, 2, 4, 8):
    says, calls = run(backward_routes, blocks)
    print(f"{blocks} blocks: route by route says {says:.0f}, in {calls} calls")

# %% [markdown]
# The second: *wait*. A value may pass its gradient on only when everything that used it has had its turn; then its
# gradient is complete, and one visit is enough. "Every user before its sources" is a reverse topological order.
# Depth first search finds one: write a value down after all that it was made of, then read the list backwards. We
# keep a stack of our own, because Python's own ends in a RecursionError at about a thousand nested calls.


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


def backward_ordered(end):
    """Right, and each rule is applied once."""
    order = order_of(end)
    for value in reversed(order):
        for source, slope in value.made_of:
            source.grad += slope * value.grad
    return len(order)


for blocks in (1, 2, 4, 8, 1000):
    says, calls = run(backward_ordered, blocks, factor=1.0 if blocks < 10 else 0.0)
    print(f"{blocks} blocks: in order says {says:.0f}, in {calls} calls")

# %% [markdown]
# All three, side by side.

# %%
ENGINES = {"broken": backward_broken, "route by route": backward_routes, "in order": backward_ordered}

fig, (left, right) = figure(1, 2, width=9, height=4.6)
found = {name: [run(engine, n) for n in range(1, 9)] for name, engine in ENGINES.items()}
for (name, results), role, marker in zip(found.items(), ("neutral", "branch", "skip"), "sxo", strict=True):
    says, calls = zip(*results, strict=True)
    left.semilogy(range(1, 9), says, color=COLOURS[role], marker=marker, label=name)
    right.semilogy(range(1, 9), calls, color=COLOURS[role], marker=marker, label=name)
left.set(title="what it says", xlabel="residual blocks", ylabel="gradient at x (no unit)")
right.set(title="what it costs", xlabel="residual blocks", ylabel="rules applied (count)")
left.legend()
show(fig, "02_order", "Left: the broken engine leaves the true line. Right: both recursions double with each block.")

# %% [markdown]
# ## How minigrad does it
# It numbers nodes as they are made. What a node was made of is older, so from the highest number down *is* a reverse
# topological order. A table, `way`, holds the gradients that are on their way. This is the loop, as it runs:

# %%
print(python_inspect.getsource(minigrad.engine.walk.visit))

# %% [markdown]
# A node's turn: its gradients are taken from the table, *settle* shows them to whoever looks, *run* applies the rule,
# *send* puts what came out into the table, and at last the node lets go of what it kept. A fork is a node too, and
# comes after all that its ways lead to. Two blocks:


# %%
def minigrad_run(blocks):
    """The same stack in minigrad: the gradient at x, and the steps of the pass."""
    x = h = mg.tensor([1.0], requires_grad=True)
    for _ in range(blocks):
        s, b = skip.fork(h)
        h = skip.residual_add(s, 1.0 * b)
    steps = list(mg.backward_steps(h))
    return x.grad.item(), steps


gradient, steps = minigrad_run(2)
for step in steps:
    print(f"{step.name:<14} gets {[g.item() for g in step.grad_outputs]}")
print("gradient at x:", gradient)

# %% [markdown]
# ## Watch it wait
# Stop where each node's turn begins, and look at the table. While the product has its turn, the second block's fork
# waits there: one of its two ways has arrived, the other is None. At the next stop, its own turn, both are there.
#
#     $ python -m pdb lessons/02_order.py
#     (Pdb) import minigrad.engine.walk             -> (Pdb)
#     (Pdb) b minigrad.engine.walk.settle           -> Breakpoint 1
#     (Pdb) c                                       -> if node.hooks is not None:
#     (Pdb) p node.name                             -> 'ResidualAdd#5'
#     (Pdb) c                                       -> if node.hooks is not None:
#     (Pdb) p node.name                             -> 'Mul#4'
#     (Pdb) u                                       -> settle(node, grads, receiver)
#     (Pdb) p list(way.values())                    -> [array([1.], dtype=float32), None]
#     (Pdb) c                                       -> if node.hooks is not None:
#     (Pdb) p node.name, len(grads)                 -> ('Fork#3', 2)
#     (Pdb) p sum(grads)                            -> array([2.], dtype=float32)
#     (Pdb) b send                                  -> Breakpoint 2
#     (Pdb) c                                       -> send()
#     (Pdb) p node.name, grad_inputs                -> ('Fork#3', (array([2.], dtype=float32),))
#     (Pdb) q

# %%
(one, _), (two, _) = found["broken"][:2]
print(f"Conclusion: on two stacked residual blocks the broken engine says {two:.0f}, the truth is {gradient:.0f};"
      f"\non one block it says {one:.0f}, which is right: a test on one block would not have caught it."
      f"\nOn 8 blocks, route by route takes {found['route by route'][-1][1]} calls, in order"
      f" {found['in order'][-1][1]}; on 1,000, in order, {run(backward_ordered, 1000)[1]:,}.")  # fmt: skip
