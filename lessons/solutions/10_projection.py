"""Lesson 10, solved."""

import numpy as np

import minigrad as mg
from minigrad import inspect, models

# %% [markdown]
# ## 1. Option A, forward
# `x` is an array (N, C, H, W) with even H and W. Give every second pixel in height and width, from the first on, and
# zeros for the channels from C to `out_channels`.


# %%
def pad_shortcut(x, out_channels):
    y = np.zeros((len(x), out_channels, x.shape[2] // 2, x.shape[3] // 2))
    y[:, : x.shape[1]] = x[:, :, ::2, ::2]
    return y


# %% [markdown]
# ## 2. Option A, backward
# `gy` is the gradient of what `pad_shortcut` gave, of shape (N, out_channels, H/2, W/2). Give the gradient of `x`,
# which had `channels` channels.


# %%
def pad_shortcut_backward(gy, channels):
    gx = np.zeros((len(gy), channels, 2 * gy.shape[2], 2 * gy.shape[3]))
    gx[:, :, ::2, ::2] = gy[:, :channels]
    return gx


# %% [markdown]
# ## 3. The price of a projection
# How many multiply-adds does a 1x1 convolution with this stride take, for one image of height x width? (Multiply-adds
# only: it has no bias, and we leave the norm out.)


# %%
def projection_cost(in_channels, out_channels, height, width, stride):
    return in_channels * out_channels * (height // stride) * (width // stride)


# %% [markdown]
# ## 4. Over the skips alone
# Cut all branches in backward, with `inspect.cut`, run backward on this loss, and give the gradient of `x`.

# %%
mg.manual_seed(0)
net = models.resnet(8, in_channels=1, width=4, order="pre-activation").eval()
x = mg.randn(2, 1, 8, 8, requires_grad=True)
loss = net(x).square().sum()
with inspect.cut("branch"):
    loss.backward()
x_over_the_skips = x.grad
