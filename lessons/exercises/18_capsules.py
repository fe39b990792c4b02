"""Lesson 18, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 18."""

import numpy as np

import minigrad as mg
from minigrad import inspect
from minigrad.models.capsule_net import CapsuleLayer

# %% [markdown]
# ## 1. Squash
# `s` is an array whose last axis holds vectors. Give s * r / (1 + r^2), with r the length of each vector; zeros stay
# zeros.


# %%
def squash(s):
    v = ...  # your turn
    return v


# %% [markdown]
# ## 2. One round of routing
# `votes` has the shape (children, parents, D), `logits` (children, parents), `outcomes` (parents, D). Give the
# couplings of this round, and the logits of the next: the old ones, and to each of them added how well vote and
# outcome agree.


# %%
def couplings_of(logits):
    couplings = ...  # your turn
    return couplings


def next_logits(logits, votes, outcomes):
    updated = ...  # your turn
    return updated


# %% [markdown]
# ## 3. The margin loss
# `lengths` are the lengths of the class capsules of one image, an array (classes,); `label` is the right class. For it
# max(0, 0.9 - length)^2 counts, for every other class half of max(0, length - 0.1)^2.


# %%
def margin_loss(lengths, label):
    loss = ...  # your turn
    return loss


# %% [markdown]
# ## 4. The rounds in a trace
# How many squashes does this layer do? Count the steps of the trace whose node is of a type named "Squash".

# %%
mg.manual_seed(0)
layer = CapsuleLayer(5, 3, 4, 6, routings=4)
trace = inspect.trace(layer(mg.randn(2, 5, 3)).square().sum())
squashes = ...  # your turn
