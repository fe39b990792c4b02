"""Lesson 11, solved."""

import math

# %% [markdown]
# ## 1. The way over the skips
# A highway net of n layers has gate weights of zero and a gate bias b, so every gate is t = sigmoid(b). Which factor
# does the way over all skips put on the gradient?


# %%
def over_the_skips(b, n):
    return (1 - 1 / (1 + math.exp(-b))) ** n


# %% [markdown]
# ## 2. A prediction
# Each of 54 skips is scaled by 0.9. Which part of the gradient comes over all of them? A number, to three digits.

# %%
over_54 = 0.9**54

# %% [markdown]
# ## 3. A bug to find
# The join of stochastic depth in training. `kept` is 1 with probability 1 - p, and else 0. In the mean it shall be
# skip + branch, and it isn't.


# %%
def drop_add(skip, branch, kept, p):
    return skip + kept * branch / (1 - p)


# %% [markdown]
# ## 4. The noise
# A branch is "times a", kept with probability p, and then divided by p. Give the mean of the *square* of the gradient
# through L such blocks.


# %%
def mean_square(a, p, blocks):
    return (1 + 2 * a + a**2 / p) ** blocks
