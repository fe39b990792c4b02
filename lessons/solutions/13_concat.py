"""Lesson 13, tasks solved."""

import numpy as np

import minigrad as mg
from minigrad import inspect, models

# %% [markdown]
# ## 1. The backward of a concat
# In forward, a skip of `skip_channels` channels and a branch were put side by side along axis 1, the skip first. `gy`
# is the gradient of the result, an array (N, C, H, W). Give the two gradients: the skip's, and the branch's.


# %%
def concat_backward(gy, skip_channels):
    g_skip, g_branch = gy[:, :skip_channels], gy[:, skip_channels:]
    return g_skip, g_branch


# %% [markdown]
# ## 2. Routes
# In a dense block every layer reads the block's input and the outputs of all layers before it. How many routes lead
# from the input to layer number `layer` (the first is 1)?


# %%
def routes(layer):
    return 2 ** (layer - 1)


# %% [markdown]
# ## 3. An odd size
# A skip has 13 x 9 pixels. The way down pooled it to 6 x 4, and the way up made 12 x 8 of it: they can't be joined.
# Give `x`, an array (N, C, h, w), with zeros added below and at the right, so that it is `height` x `width`.


# %%
def pad_to(x, height, width):
    return np.pad(x, ((0, 0), (0, 0), (0, height - x.shape[2]), (0, width - x.shape[3])))


# %% [markdown]
# ## 4. Read a ledger
# Run this cell, and look at the table: one row for each long skip of a U-Net. Which row's skip brings the larger
# *share* of the gradient? Say it in code: the largest `skip_share` of all rows.

# %%
mg.manual_seed(0)
net = models.UNet(1, 3, width=4, depth=2)
trace = inspect.trace(net(mg.randn(2, 1, 16, 16)).square().mean())
ledger = trace.ledger()
largest_share = max(row.skip_share for row in ledger)
