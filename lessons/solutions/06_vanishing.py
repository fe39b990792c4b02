"""Lesson 6, solved."""

import math

import numpy as np

from minigrad import inspect
from minigrad.classroom import puzzles

# %% [markdown]
# ## 1. The slope of tanh, in backward
# `y` is what tanh gave in forward, `gy` the gradient that comes back. Give the gradient of tanh's input.


# %%
def tanh_backward(gy, y):
    return gy * (1 - y**2)


# %% [markdown]
# ## 2. What a sigmoid lets through
# Look only at the slopes. At most which part of a gradient do the sigmoids of `depth` layers let through?


# %%
def most_through_sigmoids(depth):
    return 0.25**depth


# %% [markdown]
# ## 3. A bug to find
# This is to draw the weights of a dense layer by He's initialisation, but a net of such layers is dead after
# a few of them. What is wrong?


# %%
def he_weights(rng, fan_in, fan_out):
    return rng.normal(0.0, math.sqrt(2 / fan_in), (fan_out, fan_in))


# %% [markdown]
# ## 4. A prediction
# Many ReLU nets of 50 layers, He's init. Through all layers back, the mean of |g|^2 over the nets stays as it
# was. In the typical (median) net, is |g|^2 at the first layer "smaller" than at the last, "equal" to it, or
# "larger"?

# %%
median_net = "smaller"

# %% [markdown]
# ## 5. Where does this gradient explode?
# `puzzles.exploding()` gives the loss of a net, a Sequential of dense layers and ReLUs. Trace it, or stop where it
# happens (`inspect.stop_when`): one module makes the gradient about a hundred times larger on its way back. Write its
# number in the Sequential.

# %%
explodes_in = next(
    int(step.module)
    for step in inspect.trace(puzzles.exploding())
    if step.kind == "Linear" and np.linalg.norm(step.grad_inputs[0]) > 30 * step.norm
)
