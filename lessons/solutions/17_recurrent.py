"""Lesson 17, solved."""

from minigrad import inspect

# %% [markdown]
# ## 1. The direct way
# An LSTM's forget gates are all 0.9, for 20 steps. Which factor does the direct way along the cell state put on a
# gradient?

# %%
factor = 0.9**20

# %% [markdown]
# ## 2. One step of a GRU
# `u` is the update gate, `n` the candidate, `h` the old state. Give the new state, as PyTorch writes it.


# %%
def new_state(u, n, h):
    return (1 - u) * n + u * h


# %% [markdown]
# ## 3. Its backward
# `gy` reaches the new state. What reaches the old one by the direct way alone?


# %%
def over_the_skip(gy, u):
    return gy * u


# %% [markdown]
# ## 4. By the tools
# `last` is a number that depends on the state `first`, through recurrent cells. By `inspect.path_lengths` give the
# part of the gradient (an array) that came by the direct way along time alone.


# %%
def direct_part(last, first):
    return inspect.path_lengths(last, wrt=first).gradients[0]
