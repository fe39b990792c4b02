"""Lesson 14, solved."""

import numpy as np

import minigrad as mg
from minigrad import data, inspect, models

# %% [markdown]
# ## 1. Intersection over union
# Two boxes (left, top, right, bottom), as sequences of four numbers, both with an area. How much do they overlap?


# %%
def iou(a, b):
    wide = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    high = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return wide * high / (sum(areas) - wide * high)


# %% [markdown]
# ## 2. Mirror the boxes
# An image of this width was mirrored left to right. Give the boxes, an array (N, 4), as they are now: left is to be
# left again.


# %%
def flip_boxes(boxes, width):
    left, top, right, bottom = np.asarray(boxes).T
    return np.stack((width - right, top, width - left, bottom), axis=1)


# %% [markdown]
# ## 3. Non-maximum suppression
# Keep the surest box; drop those that overlap it by *more* than the threshold; go on with the surest that is left.
# Give the list of kept places, by falling score. `overlaps[i][j]` is the overlap of boxes i and j.


# %%
def suppress(overlaps, scores, threshold):
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if all(overlaps[i][k] <= threshold for k in kept):
            kept.append(i)
    return kept


# %% [markdown]
# ## 4. Count the joins
# How many residual joins does a detector's loss have, whose backbone has 14 layers? Take the trace apart and count
# the steps of nodes of type `mg.skip.ResidualAdd`.

# %%
mg.manual_seed(0)
images, targets = data.roads(2, seed=1)
trace = inspect.trace(models.Detector(2, depth=14, width=4).loss(images, targets))
joins = sum(isinstance(step.node, mg.skip.ResidualAdd) for step in trace.steps)
