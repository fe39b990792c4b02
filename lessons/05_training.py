"""5. Training: a small net reads real digits; its loss curve, its mistakes, and what a learning rate does.

Minutes: 25. Before it: lesson 4. Shows: what a healthy training looks like, before depth makes it ill.
Papers: Robbins and Monro (1951), Polyak (1964), Loshchilov and Hutter (2017), Alpaydin and Kaynak (1998, the digits).
"""

# %% [markdown]
# 1,797 handwritten digits of 8 x 8 pixels come with minigrad: 1,437 to learn from, and 360 that the net never sees
# while it learns. Most writers are in both parts; for the handwriting of strangers, expect some points less.

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, CYCLE, figure

images, labels = data.digits("train")
fig, axes = figure(2, 10, width=9, height=2.6)
for i, ax in enumerate(axes.flat):
    ax.imshow(images[i, 0].array, cmap="gray_r")
    ax.set_title(labels[i].item(), fontsize=10)
    ax.axis("off")
show(fig, "05_digits", "The first twenty, with what their writers meant.")

# %% [markdown]
# ## The net
# Three dense layers, with a ReLU between them. Without the ReLUs three matrices in a row would be one matrix. The
# last layer gives ten numbers, the *logits*; cross entropy turns them into probabilities, and is the negative
# logarithm of the one for the true digit. A net that guesses has probability 1/10, so its loss is ln 10 = 2.303.

# %%
WIDTH = 64  # small products: BLAS wakes no second thread for them, and waits for none


def mlp():
    """64 pixels to 10 logits."""
    return nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))


def on_test(net):
    """The logits that the net gives the test images, and the true digits; in small batches, as in training."""
    images, labels = data.digits("test", flatten=True)
    with mg.no_grad():
        return mg.cat([net(part) for part in images.split(32)]), labels


mg.manual_seed(0)
print(f"an untrained net's loss: {F.cross_entropy(*on_test(mlp())).item():.3f}; ln 10 = {np.log(10):.3f}")

# %% [markdown]
# ## The loop
# Five lines, the same in every net of these lessons. Each batch gives a noisy gradient, and we step against it.
# *Momentum* steps along a running sum of gradients, so that what agrees from batch to batch adds up and noise
# cancels. The *schedule* lets the rate sink to zero along half a cosine: big steps first, to get far; small ones last,
# to settle. Try `schedule=False` with fifteen epochs: some runs end in the middle of a spike.

# %%
EPOCHS = 30
RATE = 0.1


def train(seed, rate=RATE, epochs=EPOCHS, schedule=True):
    """Train one net; returns it, and for each epoch the mean loss of its batches and the test loss after it."""
    mg.manual_seed(seed)
    net, curve = mlp(), []
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 32, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    cosine = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(batches))
    for _ in range(epochs):
        losses = []
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if schedule:
                cosine.step()
        curve.append((np.mean(losses), F.cross_entropy(*on_test(net)).item()))
    return net, np.array(curve)


runs = [train(seed) for seed in range(5)]
for seed, (_, curve) in enumerate(runs):
    print(f"seed {seed}: training loss {curve[0, 0]:.2f} to {curve[-1, 0]:.4f}, test loss {curve[-1, 1]:.3f}")

# %% [markdown]
# ## The loss curve
# It goes down fast, then slowly; a log axis shows the slow part. The test loss stops falling earlier: from there on the
# net only learns the training images better.

# %%
curves = np.array([curve for _, curve in runs])
fig, ax = figure(width=8, height=4.6)
epochs = np.arange(1, EPOCHS + 1)
for values, name, colour in zip(curves.T, ("training images", "test images"), (CYCLE[0], CYCLE[2]), strict=True):
    ax.fill_between(epochs, values.min(1), values.max(1), color=colour, alpha=0.25)
    ax.plot(epochs, values.mean(1), color=colour, label=name)
ax.set(xlabel="epoch", ylabel="cross entropy (nats)", yscale="log")
ax.legend()
show(fig, "05_training", "Mean and range of five seeds. The test loss stops falling, the training loss goes on.")

# %% [markdown]
# ## The mistakes
# The *confusion matrix* has a row for each true digit and a column for each answer: one number for the accuracy hides
# which digits are mistaken for which.


# %%
def confusion(net):
    """How often each true digit (row) was read as each digit (column)."""
    logits, true = on_test(net)
    table = np.zeros((10, 10), int)
    np.add.at(table, (true.array, logits.argmax(1).array), 1)
    return table


tables = [confusion(net) for net, _ in runs]
right = [table.trace() / 360 for table in tables]
table = np.sum(tables, axis=0)
wrong = np.where(np.eye(10, dtype=bool), 0, table)
print("test accuracy:", ", ".join(f"{share:.1%}" for share in right))
fig, ax = figure(width=6.5, height=6.5)
ax.imshow(wrong, cmap="Blues", vmin=0, vmax=2 * wrong.max())
for (row, column), count in np.ndenumerate(table):
    ax.text(column, row, count or "", ha="center", va="center", fontsize=12)
ax.set(xlabel="read as (digit)", ylabel="true digit", xticks=range(10), yticks=range(10))
ax.grid(False)
show(fig, "05_confusion", "Test images of all five seeds, counted. All that is shaded is a mistake.")

# %% [markdown]
# ## What a learning rate does
# Now the same net for ten epochs, at constant rates, three seeds each. Too low: it goes the right way and is late. Too
# high: each step jumps over the valley, and the loss stays at guessing. What is good lies within a factor of ten.
# Between good and too high, near 0.3, some nets learn and some don't, and a last bit decides which: so 0.3 is left out.

# %%
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]


def rate_sweep(seed, epochs=10):
    """The training loss of the last epoch, and the test error, at each rate."""
    runs = [train(seed, rate, epochs, schedule=False) for rate in RATES]
    return np.array([(curve[-1, 0], 1 - confusion(net).trace() / 360) for net, curve in runs])


sweeps = np.array([rate_sweep(seed) for seed in range(3)])
losses, errors = np.median(sweeps, axis=0).T
fig, ax = figure(width=8, height=4.6)
for k, name, style, colour in ((0, "training loss (nats)", "o-", CYCLE[0]), (1, "test error (share)", "s--", CYCLE[2])):
    ax.fill_between(RATES, sweeps[..., k].min(0), sweeps[..., k].max(0), color=colour, alpha=0.25)
    ax.loglog(RATES, np.median(sweeps[..., k], axis=0), style, color=colour, label=name)
ax.axhline(np.log(10), color=COLOURS["neutral"], linestyle=":", label="loss of guessing, ln 10")
ax.set(xlabel="learning rate", ylim=(0.004, 4), ylabel="after ten epochs")
ax.legend(loc="lower left")
show(fig, "05_rates", "Medians and range of three seeds: too low a rate is late, too high a one fails.")

# %%
true, read = np.unravel_index(wrong.argmax(), wrong.shape)
print(f"Conclusion: five seeds reach {min(right):.1%} to {max(right):.1%} of 360 test digits. The commonest mistake:"
      f" the digit {true} is read as {read}, {wrong.max()} of {wrong.sum()} times.\nOf the rates tried,"
      f" {RATES[int(losses.argmin())]:g} brings the loss lowest; {RATES[0]:g} ends at {losses[0]:.2f},"
      f" {RATES[-1]:g} at {losses[-1]:.2f}; guessing has {np.log(10):.2f}.")  # fmt: skip
