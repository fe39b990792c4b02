"""Lesson 23, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 23."""


# %% [markdown]
# ## 1. What a length brings
# The parts of a weight's gradient by length are a list of arrays of one shape. Give what each brings to |g|^2: its
# inner product with their sum, as a list of numbers.


# %%
def contributions(parts):
    brought = ...  # your turn
    return brought


# %% [markdown]
# ## 2. A prediction
# Ten blocks, one after another. The weight stands in the branch of block 4 (counted from 1; the loss is behind block
# 10). How many branches does the *longest* path from the loss to that weight cross?

# %%
longest = ...  # your turn

# %% [markdown]
# ## 3. The mean, by the weights
# From a net of bias-free ReLU blocks you have, for one matrix of each block, W and its gradient; and x, what enters the
# first block, and its gradient. Give the mean path length, without splitting anything.


# %%
def mean_length(matrices, gradients, x, gx):
    mean = ...  # your turn
    return mean


# %% [markdown]
# ## 4. A bug to find
# This is to train on paths of at most one branch. It leaves out something that belongs to them.


# %%
def short_gradient(bill, name):
    return bill[name].parts[1]
