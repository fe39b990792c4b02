"""14. Detection: a backbone of 50 layers that trains only with its skips.

Minutes: 35. Before it: lessons 8, 12 and 13. Shows: C4, C7.
Papers: He et al. (2015), Zhou et al. (2019, CenterNet), Lin et al. (2014, COCO).
"""

# %% [markdown]
# A car that drives by itself must see what is on the road, and where. Our scenes are drawn, not photographed: a road
# in perspective, cars and trucks, shadows, what is near in front of what is far. What a net learns here it has learnt
# about these drawings. But every box is exact, and nobody had to mark it.

# %%
import time

import numpy as np

import minigrad as mg
from minigrad import data, inspect, models, nn, optim
from minigrad.classroom.script import show
from minigrad.metrics import average_precision
from minigrad.models.heatmaps import encode, gaussian_radius
from minigrad.ops.boxes import box_iou, nms
from minigrad.plot.style import COLOURS, figure

SIZE = (48, 72)
images, targets = data.roads(300, seed=1, size=SIZE)
unseen, truth = data.roads(60, seed=2, size=SIZE)
print(f"{len(images)} scenes for training with {sum(len(t['boxes']) for t in targets)} vehicles;", data.ROAD_CLASSES)

# %% [markdown]
# ## Objects as points
# The detector (Zhou et al., 2019) sees every object as one point: a peak in a heatmap of its class, at 1/4 of the
# image's size. Two more maps say where in its pixel the centre is, and how large the box is. A peak is a Gaussian as
# wide as a corner may move until the boxes overlap by only 0.7. Overlap is *intersection over union*. Let us see
# whether that radius keeps its word: we move, shrink and grow a box by it.

# %%
h, w = 20.0, 12.0
r = gaussian_radius(h, w, 0.7)
box = mg.tensor([[0.0, 0.0, w, h]])
changed = mg.tensor([[r, r, w + r, h + r], [r, r, w - r, h - r], [-r, -r, w + r, h + r]])
overlaps = box_iou(box, changed).array[0]
print(
    f"radius {r:.3f} of a 12 x 20 box: overlap when moved {overlaps[0]:.3f}, shrunk "
    f"{overlaps[1]:.3f}, grown {overlaps[2]:.3f}"
)
maps = encode(targets[:8], 2, (SIZE[0] // 4, SIZE[1] // 4), 4)
print("maps:", {name: x.shape for name, x in maps.items()})

# %% [markdown]
# No pixel has two peaks beside each other (a 3x3 max-pool finds them), so this detector needs no *non-maximum
# suppression*. Those that give a box at every place do: of boxes that overlap, keep the surest.

# %%
crowd = mg.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 11.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
print("nms keeps", nms(crowd, mg.tensor([0.8, 0.9, 0.5]), 0.5).tolist())

# %% [markdown]
# ## Skip or no skip, at 56 layers
# The backbone is a residual net of 56 layers with batch norm; one more skip brings the deep map (1/8) back up to the
# finer one (1/4), where they are added. Its twin has no skips in the backbone. Both are trained alike, and judged by
# COCO's *average precision*: how pure and how complete the boxes are, over all thresholds of sureness; AP50 asks for
# an overlap of 0.5, AP is the mean over 0.50, 0.55, ... 0.95.


# %%
def flipped(images, targets, p=0.5):
    """Each scene mirrored with probability p, boxes and all."""
    pairs = [data.random_hflip(image, target, p) for image, target in zip(images, targets, strict=True)]
    return mg.stack([image for image, _ in pairs]), [target for _, target in pairs]


def train(images, targets, steps=220, seed=0, rate=0.005, batch=8, **settings):
    """Train a detector; gives it and the losses."""
    mg.manual_seed(seed)
    classes = 1 + max(int(t["labels"].array.max(initial=0)) for t in targets)
    net = models.Detector(classes, in_channels=images.shape[1], **settings)
    optimizer = optim.Adam(net.parameters(), lr=rate)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    losses = []
    for _ in range(steps):
        chosen = mg.randperm(len(images))[:batch].tolist()
        loss = net.loss(*flipped(images[chosen], [targets[i] for i in chosen]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return net.eval(), losses


fig, ax = figure(width=8, height=3.8)
nets, scores = {}, {}
for name, residual, role in (("residual", True, "residual"), ("plain", False, "plain")):
    start = time.perf_counter()
    nets[name], losses = train(images, targets, residual=residual)
    seconds = time.perf_counter() - start
    scores[name] = average_precision(nets[name].detect(unseen), truth)
    print(f"{name:<9} loss {np.mean(losses[-20:]):.2f}, AP {scores[name]['AP']:.3f}, AP50 {scores[name]['AP50']:.3f},"
          f" {seconds:.0f} s", flush=True)  # fmt: skip
    ax.plot(np.convolve(losses, np.ones(10) / 10, "valid"), color=COLOURS[role], label=name)
ax.set(xlabel="step", ylabel="loss (mean of 10)", yscale="log")
ax.legend()
show(fig, "14_losses", "Two detectors of the same layers: only the one with skips gets far.")

# %% [markdown]
# What they find in scenes that they never saw:

# %%
fig, axes = figure(2, 4, width=12, height=4.8)
shown = [i for i, t in enumerate(truth) if len(t["boxes"]) >= 2][:4]
for row, name in zip(axes, nets, strict=True):
    for ax, i, found in zip(row, shown, nets[name].detect(unseen[shown], threshold=0.3), strict=True):
        ax.imshow(unseen[i].array.transpose(1, 2, 0))
        for boxes, colour, width in ((truth[i]["boxes"], "white", 1.0), (found["boxes"], COLOURS["branch"], 2.0)):
            for left, top, right, bottom in boxes.tolist():
                x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
                ax.plot(np.array(x) - 0.5, np.array(y) - 0.5, color=colour, linewidth=width)
        ax.set_title(f"{name}: {len(found['boxes'])} found", fontsize=9)
        ax.axis("off")
show(fig, "14_found", "White: the true boxes; orange: what is found with a sureness of 0.3 or more.")

# %% [markdown]
# ## What reaches the first layer
# Before training, how much of the gradient comes back to the first layers of either backbone? `trace.layers()` has a
# row for each layer; we compare the gradient of activations in the first and in the last block.


# %%
def first_over_last(residual, seed=0, depth=56):
    """|g| of activations where the first block begins, divided by that where the last one ends, before training."""
    mg.manual_seed(seed)
    net = models.Detector(2, residual=residual, depth=depth)
    scenes, marks = data.roads(8, seed=1, size=SIZE)
    seen = {}

    def note(name):
        def hook(module, args, output):
            output.register_hook(lambda g: seen.update({name: g.norm().item()}))

        return hook

    for name, module in (("first", net.backbone.relu1), ("last", net.backbone.stage3)):
        module.register_forward_hook(note(name))
    net.loss(scenes, marks).backward()
    return seen["first"] / seen["last"]


for residual in (True, False):
    ratios = [first_over_last(residual, seed) for seed in range(3)]
    print(f"{'residual' if residual else 'plain':<9} |g| first / last:", ", ".join(f"{ratio:.3g}" for ratio in ratios))
ledger = inspect.trace(nets["residual"].train().loss(images[:4], targets[:4])).ledger()
print(ledger[-1])

# %% [markdown]
# With batch norm the plain gradient doesn't vanish: it *explodes* on its way back, and shatters (lesson 12). That is
# one more way to be useless.
#
# ## Real ones: nuclei under a microscope
# The image is not part of minigrad, because what licence it has is told differently in different places; stardist
# brings it: `pip install --no-deps stardist`. Where it is installed, the same detector learns to find nuclei, from a
# part of one image, and is tested on another part.

# %%
try:
    tiles, marked = data.nuclei("train", 64)
    others, there = data.nuclei("test", 64)
except FileNotFoundError as missing:
    print(missing)
else:
    net, losses = train(tiles, marked, steps=80, depth=50)
    found = average_precision(net.detect(others), there)
    print(
        f"nuclei: {sum(len(t['boxes']) for t in there)} boxes to find, AP {found['AP']:.3f}, AP50 {found['AP50']:.3f}"
    )
print(f"\nConclusion: after the same steps 56 layers with skips reach AP50 {scores['residual']['AP50']:.2f}, without"
      f" {scores['plain']['AP50']:.2f}.")  # fmt: skip
