"""Lesson 5, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 5."""

import numpy as np

# %% [markdown]
# ## 1. The loss of guessing
# A net gives each of `classes` classes the same probability. What is its cross entropy, in nats?


# %%
def loss_of_guessing(classes):
    loss = ...  # your turn
    return loss


# %% [markdown]
# ## 2. A step with momentum
# As PyTorch does it: the velocity is `momentum` times itself plus the gradient, and the parameter moves by `rate` times
# the new velocity, downhill. Give the new parameter and the new velocity.


# %%
def momentum_step(parameter, velocity, gradient, rate, momentum):
    new_velocity = ...  # your turn
    new_parameter = ...  # your turn
    return new_parameter, new_velocity


# %% [markdown]
# ## 3. A bug to find
# The gradient of the *mean* cross entropy of a batch with respect to the logits; `p` has the probabilities, (N, C),
# and `labels` the true classes, (N,). It points the right way, but its size is wrong.


# %%
def cross_entropy_backward(p, labels):
    g = p.copy()
    g[np.arange(len(labels)), labels] -= 1
    return g
