"""Lesson 4, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 4."""

import numpy as np

# %% [markdown]
# ## 1. The backward of a dense layer
# y = x @ w.T + b; x is (N, I), w (O, I), b (O,). Give the gradients of x, w and b.


# %%
def dense_backward(gy, x, w):
    gx, gw, gb = ..., ..., ...  # your turn
    return gx, gw, gb


# %% [markdown]
# ## 2. How far to nudge
# f is rounded to a relative `rounding` (6e-8 in float32, 1.1e-16 in float64). f and its derivatives have size 1. Give
# a step h that is near the best for the difference (f(x + h) - f(x - h)) / 2h; a factor of five is near.


# %%
def best_step(rounding):
    h = ...  # your turn
    return h


# %% [markdown]
# ## 3. A bug to find
# out = relu(y + b), y is (N, O), b (O,). This is to give the gradients of y and b. One of the two is wrong.


# %%
def bias_relu_backward(gy, out):
    gradient = np.where(out > 0, gy, 0)
    return gradient, gy.sum(0)
