"""Lesson 19, solved."""

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import skip

# %% [markdown]
# ## 1. Filter-normalise
# `d` is a random direction for the weights `w`, both arrays (units, inputs). Scale each row of d to the length of w's
# row.


# %%
def filter_normalised(d, w):
    return d / np.linalg.norm(d, axis=1, keepdims=True) * np.linalg.norm(w, axis=1, keepdims=True)


# %% [markdown]
# ## 2. The same function, other weights
# A net computes w2 @ relu(w1 @ x). Give other weights for it that compute the same, the first layer c times as large
# (c > 0).


# %%
def rescale(w1, w2, c):
    first, second = c * w1, w2 / c
    return first, second


# %% [markdown]
# ## 3. Twins
# Two units have the same weights in and the same weights out. Do their outgoing weights still agree after one step of
# training, in a plain net? And where a skip brings each unit its own input too? True or False.

# %%
plain_twins_stay = True
skip_twins_stay = False

# %% [markdown]
# ## 4. Look at the gradient
# Check your prediction: run this, and say by how much the two columns of the gradient of `out` differ, at most, in
# this small layer with a skip.

# %%
mg.manual_seed(0)
into, out = mg.randn(4, 4), mg.randn(3, 4)
into[1], out[:, 1] = into[0], out[:, 0]  # units 0 and 1 are twins
out.requires_grad_()
s, b = skip.fork(mg.randn(5, 4))
h = skip.residual_add(s, F.relu(b @ into.T))
(h @ out.T).square().sum().backward()
twins_differ_by = np.abs(out.grad.array[:, 0] - out.grad.array[:, 1]).max()
