"""Lesson 23, solved."""


# %% [markdown]
# ## 1. What a length brings
# The parts of a weight's gradient by length are a list of arrays of one shape. Give what each brings to |g|^2: its
# inner product with their sum, as a list of numbers.


# %%
def contributions(parts):
    whole = sum(parts)
    return [float((part * whole).sum()) for part in parts]


# %% [markdown]
# ## 2. A prediction
# Ten blocks, one after another. The weight stands in the branch of block 4 (counted from 1; the loss is behind block
# 10). How many branches does the *longest* path from the loss to that weight cross?

# %%
longest = 7

# %% [markdown]
# ## 3. The mean, by the weights
# From a net of bias-free ReLU blocks you have, for one matrix of each block, W and its gradient; and x, what enters the
# first block, and its gradient. Give the mean path length, without splitting anything.


# %%
def mean_length(matrices, gradients, x, gx):
    crossed = sum((w * g).sum() for w, g in zip(matrices, gradients, strict=True))
    return crossed / (x * gx).sum()


# %% [markdown]
# ## 4. A bug to find
# This is to train on paths of at most one branch. It leaves out something that belongs to them.


# %%
def short_gradient(bill, name):
    parts = bill[name].parts
    return parts[0] + parts[1]
