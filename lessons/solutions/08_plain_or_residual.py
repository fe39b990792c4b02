"""Lesson 8, solved."""

from minigrad import skip

# %% [markdown]
# ## 1. Growth
# Each block is h + a F(h), both layers of F have He's initialisation. On its way back through one block |g|^2
# grows by a factor that the lesson gives. Through `blocks` of them?


# %%
def growth(a, blocks):
    return (1 + 2 * a**2) ** blocks


# %% [markdown]
# ## 2. A scale for any depth
# Give the scale a at which the growth through all blocks stays finite for however many blocks, and still
# doesn't tend to 1: the branches are to count for something.


# %%
def scale_for(blocks):
    return blocks**-0.5


# %% [markdown]
# ## 3. A SkipInit block
# Give x + a * branch(x), with a fork and a join that a trace can see. `a` is a tensor.


# %%
def skipinit(x, branch, a):
    s, b = skip.fork(x)
    return skip.residual_add(s, a * branch(b))


# %% [markdown]
# ## 4. A prediction
# In the first step of training a = 0. The gradient at y is not 0. Which of these get a gradient that is not
# 0? Write True or False for each.

# %%
x_gets_one = True
a_gets_one = True
weights_in_the_branch_get_one = False
