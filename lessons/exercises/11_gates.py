"""Lesson 11, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 11."""


# %% [markdown]
# ## 1. The way over the skips
# A highway net of n layers has gate weights of zero and a gate bias b, so every gate is t = sigmoid(b). Which factor
# does the way over all skips put on the gradient?


# %%
def over_the_skips(b, n):
    factor = ...  # your turn
    return factor


# %% [markdown]
# ## 2. A prediction
# Each of 54 skips is scaled by 0.9. Which part of the gradient comes over all of them? A number, to three digits.

# %%
over_54 = ...  # your turn

# %% [markdown]
# ## 3. A bug to find
# The join of stochastic depth in training. `kept` is 1 with probability 1 - p, and else 0. In the mean it shall be
# skip + branch, and it isn't.


# %%
def drop_add(skip, branch, kept, p):
    return skip + kept * branch * (1 - p)


# %% [markdown]
# ## 4. The noise
# A branch is "times a", kept with probability p, and then divided by p. Give the mean of the *square* of the gradient
# through L such blocks.


# %%
def mean_square(a, p, blocks):
    square = ...  # your turn
    return square
