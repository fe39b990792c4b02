"""Lesson 22, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 22."""


# %% [markdown]
# ## 1. The inverse
# A block is y1 = x1 + f(x2), y2 = x2 + g(y1). Give x1 and x2 from y1 and y2.


# %%
def inverse(y1, y2, f, g):
    x1 = ...  # your turn
    x2 = ...  # your turn
    return x1, x2


# %% [markdown]
# ## 2. The backward
# Take f(x2) = a x2 and g(y1) = b y1, with numbers a and b. The gradients g1 and g2 of y1 and y2 come back. Give
# those of x1 and x2.


# %%
def backward(g1, g2, a, b):
    gx1 = ...  # your turn
    gx2 = ...  # your turn
    return gx1, gx2


# %% [markdown]
# ## 3. A prediction
# A plain pass through 10 blocks keeps 30 MB of activations, a reversible chain of 10 blocks 3 MB. How many MB does the
# reversible chain keep at 40 blocks?

# %%
at_40 = ...  # your turn

# %% [markdown]
# ## 4. A bug to find
# This block can't be undone: its second line reads what the first one has changed into nothing that is handed on.


# %%
def block(x1, x2, f, g):
    y1 = f(x2)
    y2 = x2 + g(y1)
    return y1, y2
