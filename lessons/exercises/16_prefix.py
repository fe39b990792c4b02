"""Lesson 16, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 16."""

# %% [markdown]
# ## 1. Count
# A model has 12 layers and a width of 768. How many numbers is a prefix of 10 keys and values in each layer?

# %%
numbers = ...  # your turn

# %% [markdown]
# ## 2. The mixture
# `content` is what a head finds without a prefix, `prefix` what it finds in the prefix alone, and `m` the share of
# the attention that the prefix draws. What does the head give with both?


# %%
def mixed(content, prefix, m):
    y = ...  # your turn
    return y


# %% [markdown]
# ## 3. Freeze
# Freeze all parameters of `model` but those whose name begins with `kept`, and give the model back.


# %%
def freeze(model, kept):
    frozen = ...  # your turn
    return frozen


# %% [markdown]
# ## 4. What it can't
# Without a prefix a head gives one word 0.6 of its attention and another 0.2. With a prefix it gives the first 0.3.
# How much does the second get?

# %%
second = ...  # your turn
