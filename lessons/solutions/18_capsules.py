"""Lesson 18, solved."""

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
    r = np.linalg.norm(s, axis=-1, keepdims=True)
    return s * r / (1 + r**2)


# %% [markdown]
# ## 2. One round of routing
# `votes` has the shape (children, parents, D), `logits` (children, parents), `outcomes` (parents, D). Give the
# couplings of this round, and the logits of the next: the old ones, and to each of them added how well vote and
# outcome agree.


# %%
def couplings_of(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def next_logits(logits, votes, outcomes):
    return logits + (votes * outcomes).sum(2)


# %% [markdown]
# ## 3. The margin loss
# `lengths` are the lengths of the class capsules of one image, an array (classes,); `label` is the right class. For it
# max(0, 0.9 - length)^2 counts, for every other class half of max(0, length - 0.1)^2.


# %%
def margin_loss(lengths, label):
    there = np.arange(len(lengths)) == label
    missed, alarm = np.maximum(0, 0.9 - lengths) ** 2, np.maximum(0, lengths - 0.1) ** 2
    return np.where(there, missed, 0.5 * alarm).sum()


# %% [markdown]
# ## 4. The rounds in a trace
# How many squashes does this layer do? Count the steps of the trace whose node is of a type named "Squash".

# %%
mg.manual_seed(0)
layer = CapsuleLayer(5, 3, 4, 6, routings=4)
trace = inspect.trace(layer(mg.randn(2, 5, 3)).square().sum())
squashes = sum(type(step.node).__name__ == "Squash" for step in trace.steps)
