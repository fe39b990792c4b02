"""Lesson 3, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 3."""

# %% [markdown]
# ## 1. The backward of a fork
# `grads` is a list of arrays: what comes back by each of the ways, two or more. Give the gradient of the input.
# Mind the rule of the house: never write into an array that you were given.


# %%
def fork_backward(grads):
    gx = ...  # your turn
    return gx


# %% [markdown]
# ## 2. A stack of blocks
# Each block is x + F(x), on plain numbers; `slopes` has the slope of each F where it was computed. Give the slope of
# the whole stack.


# %%
def slope_of_stack(slopes):
    slope = ...  # your turn
    return slope


# %% [markdown]
# ## 3. A bug to find
# This adds a gradient to what has reached a value so far (None: nothing yet). It gives a wrong gradient wherever a
# value was used more than once.


# %%
def arrived(before, gradient):
    if before is None:
        return gradient
    before = gradient
    return before
