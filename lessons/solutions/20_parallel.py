"""Lesson 20, solved."""

# %% [markdown]
# ## 1. Unequal shards
# Three ranks have shards of `sizes` samples, and each the gradient of its own mean loss (arrays, in `gradients`).
# Give the gradient of the mean loss over the whole batch.


# %%
def whole_gradient(sizes, gradients):
    samples = sum(sizes)
    return sum(size / samples * g for size, g in zip(sizes, gradients, strict=True))


# %% [markdown]
# ## 2. The backward of f and g
# `grads` holds the gradient that reaches the node on each rank, in the order of the ranks. Give the gradients that
# leave it, one a rank: for f, `CopyToRanks`, and for g, `SumOverRanks`.


# %%
def backward_of_f(grads):
    return [sum(grads)] * len(grads)


def backward_of_g(grads):
    return list(grads)


# %% [markdown]
# ## 3. Round a ring
# An even number of ranks stand in a ring. Each sends a large array to the next rank and receives one from the rank
# before. `send` waits until the receiver has begun to receive. In which order must this rank do the two, so that
# nobody waits for ever? Give `["send", "receive"]` or `["receive", "send"]`.


# %%
def order_of(rank):
    return ["send", "receive"] if rank % 2 == 0 else ["receive", "send"]


# %% [markdown]
# ## 4. The bubble
# A pipeline has 4 stages. How many micro-batches are needed at least for a bubble of no more than 10 %?
# Find it by hand, or with `bubble` and `simulate` of `minigrad.distributed.pipelining`.

# %%
microbatches = next(m for m in range(1, 100) if (4 - 1) / (m + 4 - 1) <= 0.1)

# %% [markdown]
# ## 5. Look inside
# `gpipe_order(stage, 4, 8)` and `one_f_one_b_order(stage, 4, 8)`, of `minigrad.distributed.pipelining`, list what a
# stage does, in its order. Draw them as in the lesson, with `simulate` and `plot.pipeline`. For how many micro-batches
# does stage 0 keep what backward needs, at most: with GPipe, and with 1F1B?

# %%
kept_by_gpipe = 8
kept_by_1f1b = 4
