"""Lesson 15, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 15."""

import numpy as np

from minigrad import inspect, skip

# %% [markdown]
# ## 1. Routes
# A GPT has 4 layers, with a skip around each attention and each small net. How many routes lead from the head back to
# the embedding?

# %%
routes = ...  # your turn

# %% [markdown]
# ## 2. The causal mask
# Give a square array of booleans: True where the query of a row may see the key of a column.


# %%
def may_see(length):
    mask = ...  # your turn
    return mask


# %% [markdown]
# ## 3. Pre-norm
# Write one sublayer of a pre-norm Transformer, with an explicit fork and join. `norm` and `branch` are functions of a
# tensor. (`skip.fork` and `skip.residual_add` do it; `inspect.trace` would show it.)


# %%
def sublayer(x, norm, branch):
    y = ...  # your turn
    return y


# %% [markdown]
# ## 4. The branch's share
# `loss` is a loss of a net with skips. By `inspect.trace(loss, retain_graph=True).ledger()` find the row whose branch
# brings the largest gradient to its fork, and give its name. (A row has `.name` and the array `.g_branch`.)


# %%
def strongest_branch(loss):
    name = ...  # your turn
    return name
