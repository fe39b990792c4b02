"""Lesson 7, solved."""

import numpy as np

from minigrad import inspect, skip
from minigrad.classroom import puzzles

# %% [markdown]
# ## 1. The backward of a fork
# In forward, a fork hands one value to the skip and to the branch. In backward each way brings a gradient.
# Give the gradient of the value that was forked.


# %%
def fork_backward(g_skip, g_branch):
    return g_skip + g_branch


# %% [markdown]
# ## 2. The backward of the join
# In forward, y = skip + branch. The gradient `gy` comes back. Give the gradients of skip and branch.


# %%
def residual_add_backward(gy):
    g_skip = gy
    g_branch = gy
    return g_skip, g_branch


# %% [markdown]
# ## 3. A prediction
# The block is y = x + 3 x, as in the lesson. Which part of the gradient at the fork comes over the skip? (The
# ledger calls it the skip share; all ways together make 1.) Write it as a number.

# %%
skip_share = 0.25

# %% [markdown]
# ## 4. A bug to find
# The forward of this block is right, but when the branch is dead, nothing comes back through the block at
# all.


# %%
def block(x, branch):
    s, b = skip.fork(x)
    return skip.residual_add(s, branch(b))


# %% [markdown]
# ## 5. The dead block
# `puzzles.dead_block()` gives the loss of a net of ten residual blocks. The branch of one of them is dead: nothing
# comes back through it. Which? Ask the ledger of its trace, and write the block's number.

# %%
dead = next(int(row.name) for row in inspect.trace(puzzles.dead_block()).ledger() if row.norm_branch == 0)

# %% [markdown]
# ## 6. A breakpoint
# This file's first backward pass goes through three blocks. Run `minigrad step` on it, set a breakpoint on `Fork`, and
# go on to the *second* fork that it stops at. What is the norm of the gradient `gx` that leaves it?

# %%
if __name__ == "__main__":
    puzzles.three_blocks().backward()

norm_at_the_second_fork = float(
    np.linalg.norm(inspect.trace(puzzles.three_blocks()).select(kind="Fork")[1].grad_inputs[0])
)
