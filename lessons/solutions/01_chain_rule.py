"""Lesson 1, the tasks solved."""

import numpy as np

# %% [markdown]
# ## 1. A rule for the sine
# A node computed y = sin(x). `gy` is the gradient that comes back. Give the gradient of x.


# %%
def sin_backward(gy, x):
    return gy * np.cos(x)


# %% [markdown]
# ## 2. By hand
# loss = (w * x + b)**2. Give the gradients of w, x and b, in this order.


# %%
def gradients(w, x, b):
    g_z = 2 * (w * x + b)  # of z = w * x + b
    g_w, g_x, g_b = g_z * x, g_z * w, g_z
    return g_w, g_x, g_b


# %% [markdown]
# ## 3. A bug to find
# The rule of a quotient y = a / b: it gives the gradients of a and of b. One of the two is wrong.


# %%
def quotient_backward(gy, a, b):
    return gy / b, -gy * a / b**2
