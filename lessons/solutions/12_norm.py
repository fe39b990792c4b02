"""Lesson 12, solved."""

import minigrad as mg
from minigrad import inspect, models

# %% [markdown]
# ## 1. How the sum on the skip grows
# The input of a residual net has variance 1. Each branch has He's initialisation in both layers; with `norm`, batch
# norm stands at its end. What variance do you expect after so many blocks?


# %%
def variance_after(blocks, norm):
    return blocks + 1 if norm else 3**blocks


# %% [markdown]
# ## 2. The backward of batch norm
# `y` is what batch norm gave (no weight, no bias): each column of the array (N, C) has mean 0 and variance 1. `std`
# are the standard deviations, (C,), that it divided by; eps is 0. Give the gradient of its input. Mind that mean and
# standard deviation depend on the input too.


# %%
def batch_norm_backward(gy, y, std):
    return (gy - gy.mean(0) - y * (gy * y).mean(0)) / std


# %% [markdown]
# ## 3. Which orders leave the way clear?
# Of He's five orders, as `minigrad.models.residual_nets.ORDERS` names them: in which does nothing stand after the
# addition, so that the skips of all blocks of a stage are one clear way? Give a list of names.

# %%
clear = ["relu before add", "relu first", "pre-activation"]

# %% [markdown]
# ## 4. Does a branch count for less, the later it comes?
# Run the cell, and read the ledger of this batch-normed net: the skip's share of the gradient, in the first block's
# row and in the last one's. Take the numbers from the ledger's rows.

# %%
mg.manual_seed(0)
net = models.resnet(26, in_channels=1, width=4, order="relu first")
ledger = inspect.trace(net(mg.randn(16, 1, 8, 8)).square().mean()).ledger()
first_share, last_share = ledger[0].skip_share, ledger[-1].skip_share
