"""Lesson 21, solved."""


# %% [markdown]
# ## 1. The backward of a mix
# Y = H X mixes streams: `H` is (n, n), and `X` and `gY` are (n, d). Give the gradient of X.


# %%
def mix_backward(H, gY):
    return H.T @ gY


# %% [markdown]
# ## 2. Whose sum is kept
# The *columns* of H sum to 1, its rows don't. Is it the sum of the streams that is kept, on the way forward (write
# "streams"), or the sum of their gradients, on the way back (write "gradients")?

# %%
kept = "streams"

# %% [markdown]
# ## 3. A bug to find
# This is to give a matrix whose rows *and* columns sum to 1, nearly: Sinkhorn's rounds. Its rows don't.


# %%
def sinkhorn(H, rounds=20):
    for _ in range(rounds):
        H = H / H.sum(0, keepdims=True)
        H = H / H.sum(1, keepdims=True)
    return H


# %% [markdown]
# ## 4. How many streams are left
# The squared norms of n streams are given. Give the effective number of streams: the square of their sum, divided by
# the sum of their squares. (n where all are equal, 1 where one has it all.)


# %%
def effective(energies):
    return energies.sum() ** 2 / (energies**2).sum()
