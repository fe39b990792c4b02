"""Lesson 9, solved."""

import math

import minigrad as mg
from minigrad import inspect, nn

# %% [markdown]
# ## 1. Count
# A net has 10 residual blocks. How many of its routes cross exactly 3 branches?

# %%
routes = math.comb(10, 3)

# %% [markdown]
# ## 2. The linear case
# Every branch is "times a". What do all routes of k branches through n blocks bring together?


# %%
def gradient_of_length(n, k, a):
    return math.comb(n, k) * a**k


# %% [markdown]
# ## 3. One block of `path_lengths`
# `arrived[k]` is the gradient that reaches the block's join having crossed k branches so far.
# `branch_backward(g)` takes a gradient back through the branch. Give the list that leaves the fork:
# `left[k]`, one entry longer than `arrived`.


# %%
def through_block(arrived, branch_backward):
    over_skip = [*arrived, 0 * arrived[0]]
    through_branch = [0 * arrived[0], *(branch_backward(g) for g in arrived)]
    return [s + b for s, b in zip(over_skip, through_branch, strict=True)]


# %% [markdown]
# ## 4. A prediction
# One branch of the ten is deleted. Which part of all routes is left? Write it as a number.

# %%
part_left = 0.5


# %% [markdown]
# ## 5. Trace a net of your own
# Give the loss of a net that you wrote yourself, with two residual blocks or more (`nn.Residual`, or a fork and a
# join), on data of your own; seed it, so that it is the same each time. Trace it, look at its ledger, and write the
# skip share of its *last* block.


# %%
def my_loss():
    mg.manual_seed(0)
    blocks = [nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.Tanh())) for _ in range(3)]
    net = nn.Sequential(*blocks, nn.Linear(8, 1))
    return net(mg.randn(16, 8, requires_grad=True)).pow(2).mean()


my_skip_share = inspect.trace(my_loss()).ledger()[-1].skip_share
