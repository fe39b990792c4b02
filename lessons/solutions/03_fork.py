"""Lesson 3, the tasks solved."""

# %% [markdown]
# ## 1. The backward of a fork
# `grads` is a list of arrays: what comes back by each of the ways, two or more. Give the gradient of the input.
# Mind the rule of the house: never write into an array that you were given.


# %%
def fork_backward(grads):
    return sum(grads)


# %% [markdown]
# ## 2. A stack of blocks
# Each block is x + F(x), on plain numbers; `slopes` has the slope of each F where it was computed. Give the slope of
# the whole stack.


# %%
def slope_of_stack(slopes):
    slope = 1.0
    for s in slopes:
        slope = slope * (1 + s)
    return slope


# %% [markdown]
# ## 3. A bug to find
# This adds a gradient to what has reached a value so far (None: nothing yet). It gives a wrong gradient wherever a
# value was used more than once.


# %%
def arrived(before, gradient):
    if before is None:
        return gradient
    return before + gradient
