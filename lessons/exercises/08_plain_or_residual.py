"""Lesson 8, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 8."""

from minigrad import skip

# %% [markdown]
# ## 1. Growth
# Each block is h + a F(h), both layers of F have He's initialisation. On its way back through one block |g|^2
# grows by a factor that the lesson gives. Through `blocks` of them?


# %%
def growth(a, blocks):
    factor = ...  # your turn
    return factor


# %% [markdown]
# ## 2. A scale for any depth
# Give the scale a at which the growth through all blocks stays finite for however many blocks, and still
# doesn't tend to 1: the branches are to count for something.


# %%
def scale_for(blocks):
    a = ...  # your turn
    return a


# %% [markdown]
# ## 3. A SkipInit block
# Give x + a * branch(x), with a fork and a join that a trace can see. `a` is a tensor.


# %%
def skipinit(x, branch, a):
    y = ...  # your turn
    return y


# %% [markdown]
# ## 4. A prediction
# In the first step of training a = 0. The gradient at y is not 0. Which of these get a gradient that is not
# 0? Write True or False for each.

# %%
x_gets_one = ...  # your turn
a_gets_one = ...  # your turn
weights_in_the_branch_get_one = ...  # your turn
