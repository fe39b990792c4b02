"""Lesson 15, solved."""

import numpy as np

from minigrad import inspect, skip

# %% [markdown]
# ## 1. Routes
# A GPT has 4 layers, with a skip around each attention and each small net. How many routes lead from the head back to
# the embedding?

# %%
routes = 2**8

# %% [markdown]
# ## 2. The causal mask
# Give a square array of booleans: True where the query of a row may see the key of a column.


# %%
def may_see(length):
    return np.tri(length, dtype=bool)


# %% [markdown]
# ## 3. Pre-norm
# Write one sublayer of a pre-norm Transformer, with an explicit fork and join. `norm` and `branch` are functions of a
# tensor. (`skip.fork` and `skip.residual_add` do it; `inspect.trace` would show it.)


# %%
def sublayer(x, norm, branch):
    s, b = skip.fork(x)
    return skip.residual_add(s, branch(norm(b)))


# %% [markdown]
# ## 4. The branch's share
# `loss` is a loss of a net with skips. By `inspect.trace(loss, retain_graph=True).ledger()` find the row whose branch
# brings the largest gradient to its fork, and give its name. (A row has `.name` and the array `.g_branch`.)


# %%
def strongest_branch(loss):
    rows = inspect.trace(loss, retain_graph=True).ledger()
    return max(rows, key=lambda row: np.linalg.norm(row.g_branch)).name
