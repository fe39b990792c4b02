"""Lesson 2, the tasks solved."""

# %% [markdown]
# ## 1. A prediction
# `b = a + a; c = b + b`, all of them plain values, with no product in between. The gradient of a is 4. What does the
# broken engine of the lesson say? Follow it with a pencil.

# %%
broken_says = 6

# %% [markdown]
# ## 2. An order
# `made_of` is a dictionary: for each name, the list of names that it was made of; a leaf has an empty one. Give a list
# of all names that `end` depends on, `end` too, each after everything that it was made of.


# %%
def order_of(made_of, end):
    order = []

    def visit(name):
        if name not in order:
            for source in made_of[name]:
                visit(source)
            order.append(name)

    visit(end)
    return order


# %% [markdown]
# ## 3. Routes
# A stack of residual blocks, each with one skip and one branch. By how many routes does the gradient go from the end
# to the beginning?


# %%
def routes(blocks):
    return 2**blocks
