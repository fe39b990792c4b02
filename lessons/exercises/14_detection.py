"""Lesson 14, tasks. Put your answer where `...  # your turn` stands, then run: minigrad check 14."""

import numpy as np

import minigrad as mg
from minigrad import data, inspect, models

# %% [markdown]
# ## 1. Intersection over union
# Two boxes (left, top, right, bottom), as sequences of four numbers, both with an area. How much do they overlap?


# %%
def iou(a, b):
    overlap = ...  # your turn
    return overlap


# %% [markdown]
# ## 2. Mirror the boxes
# An image of this width was mirrored left to right. Give the boxes, an array (N, 4), as they are now: left is to be
# left again.


# %%
def flip_boxes(boxes, width):
    flipped = ...  # your turn
    return flipped


# %% [markdown]
# ## 3. Non-maximum suppression
# Keep the surest box; drop those that overlap it by *more* than the threshold; go on with the surest that is left.
# Give the list of kept places, by falling score. `overlaps[i][j]` is the overlap of boxes i and j.


# %%
def suppress(overlaps, scores, threshold):
    kept = ...  # your turn
    return kept


# %% [markdown]
# ## 4. Count the joins
# How many residual joins does a detector's loss have, whose backbone has 14 layers? Take the trace apart and count
# the steps of nodes of type `mg.skip.ResidualAdd`.

# %%
mg.manual_seed(0)
images, targets = data.roads(2, seed=1)
trace = inspect.trace(models.Detector(2, depth=14, width=4).loss(images, targets))
joins = ...  # your turn
