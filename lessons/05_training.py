"""5. Training: a small net reads real digits; its loss curve, its mistakes, and what a learning rate does.

Minutes: 25. Before it: lesson 4. Shows: what a healthy training looks like, before depth makes it ill.
Papers: Robbins and Monro (1951), Polyak (1964), Loshchilov and Hutter (2017), Alpaydin and Kaynak (1998, the digits).
"""

# %% [markdown]
# 1,797 handwritten digits of 8 x 8 pixels come with minigrad: 1,437 to learn from, and 360 that the net never sees
# while it learns. The accuracy that counts is the one on those. Most writers are in both parts; for the handwriting
# of strangers, expect some points less.

# %%
import argparse
import time
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.plot.style import COLOURS, CYCLE, figure, save

EPOCHS = 30
BATCH = 32
RATE = 0.1
MOMENTUM = 0.9
WIDTH = 128

# %% [markdown]
# ## The net
# Three dense layers, with a ReLU between them. Without the ReLUs three matrices in a row would be one matrix. The
# last layer gives ten numbers, the *logits*; cross entropy turns them into probabilities, and is the negative
# logarithm of the one for the true digit. A net that guesses has probability 1/10, so its loss is ln 10 = 2.303.


# %%
def mlp():
    """64 pixels to 10 logits."""
    return nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))


def predictions(net):
    """The digit that the net reads in each test image, and the true one, as arrays."""
    images, labels = data.digits("test", flatten=True)
    with mg.no_grad():
        return net(images).argmax(1).data, labels.data


def mean_loss(net, split):
    """The mean cross entropy over a whole part of the data."""
    images, labels = data.digits(split, flatten=True)
    with mg.no_grad():
        return F.cross_entropy(net(images), labels).item()


# %% [markdown]
# ## The loop
# Five lines, the same in every net of these lessons. Each batch gives a noisy gradient, and we step against it.
# *Momentum* steps along a running sum of gradients, so that what agrees from batch to batch adds up and noise
# cancels. The *schedule* lets the rate sink to zero along half a cosine: big steps first, to get far; small ones last,
# to settle. Try `schedule=False` with fifteen epochs: some runs end in the middle of a spike.


# %%
def train(seed, rate=RATE, epochs=EPOCHS, schedule=True):
    """Train one net; returns it, and the losses on both parts after each epoch (before the first one, too)."""
    mg.manual_seed(seed)
    net = mlp()
    images, labels = data.digits("train", flatten=True)
    batches = data.DataLoader(data.TensorDataset(images, labels), BATCH, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM)
    cosine = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(batches))
    curve = [(mean_loss(net, "train"), mean_loss(net, "test"))]
    for _ in range(epochs):
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                cosine.step()
        curve.append((mean_loss(net, "train"), mean_loss(net, "test")))
    return net, np.array(curve)


# %% [markdown]
# ## What to look at
# - **The loss curve**: down fast, then slowly, on a log axis so that the slow part can be seen. The test loss stops
#   falling earlier: from there on the net only learns the training images better.
# - **The confusion matrix**: a row for each true digit, a column for each answer. One number for the accuracy hides
#   *which* digits are mistaken for which.


# %%
def confusion(net):
    """How often each true digit (row) was read as each digit (column)."""
    read, true = predictions(net)
    table = np.zeros((10, 10), int)
    np.add.at(table, (true, read), 1)
    return table


# %% [markdown]
# ## What a learning rate does
# Now the same net for ten epochs, at constant rates from 0.0003 to 1. Too low: it goes the right way and
# doesn't arrive. Too high: each step jumps over the valley, and the loss stays at guessing, or grows. What is
# good lies within about a factor of ten, near the edge: not far below the first rate that fails.

# %%
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]


def rate_sweep(seed, epochs=10):
    """Final training loss and test accuracy at each rate."""
    found = []
    for rate in RATES:
        net, curve = train(seed, rate, epochs, schedule=False)
        read, true = predictions(net)
        found.append((curve[-1, 0], (read == true).mean()))
    return np.array(found)


# %%
def draw(curves, table, sweep, folder):
    """Two figures: loss and learning rate; the confusion matrix."""
    fig, (left, right) = figure(1, 2, width=10, height=4.7)
    for column, name, colour in ((0, "training images", CYCLE[0]), (1, "test images", CYCLE[1])):
        values = np.array([curve[:, column] for curve in curves])
        left.fill_between(np.arange(EPOCHS + 1), values.min(0), values.max(0), color=colour, alpha=0.25)
        left.plot(values.mean(0), color=colour, linestyle="-" if column == 0 else "--", label=name)
    left.set(xlabel="epoch", ylabel="cross entropy (nats)", yscale="log", title="loss curve")
    left.legend()
    losses, accuracies = sweep.T
    right.loglog(RATES, losses, "o-", color=COLOURS["residual"], label="final training loss (nats)")
    right.loglog(RATES, 1 - accuracies, "s--", color=COLOURS["plain"], label="test error (share)")
    right.axhline(np.log(10), color=COLOURS["neutral"], linestyle=":", label="loss of guessing, ln 10")
    right.set(xlabel="learning rate", ylim=(0.004, 4), title="ten epochs, constant rate")
    right.legend(loc="lower left", fontsize=9)
    text = "Left: mean and range of five seeds. Right: too low a rate arrives late, too high a one not at all."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.2, left=0.08, right=0.98)
    print("figure:", save(fig, folder / "05_training.png"))

    fig, ax = figure(width=6.5, height=6.5)
    ax.grid(False)
    wrong = np.where(np.eye(10, dtype=bool), 0, table)
    ax.imshow(wrong, cmap="Blues", vmin=0, vmax=max(4, wrong.max()))
    for (row, column), count in np.ndenumerate(table):
        if count:
            colour = "white" if row != column and count >= max(4, wrong.max()) / 2 else "black"
            ax.text(column, row, count, ha="center", va="center", color=colour, fontsize=11)
    ax.set(xlabel="read as (digit)", ylabel="true digit", xticks=range(10), yticks=range(10))
    text = "Test images of seed 0, counted. All that is off the diagonal is a mistake."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.13, top=0.98)
    print("figure:", save(fig, folder / "05_confusion.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    start = time.perf_counter()
    runs = [train(seed) for seed in range(5)]
    seconds = (time.perf_counter() - start) / len(runs)
    tables = [confusion(net) for net, _ in runs]
    accuracies = [table.trace() / table.sum() for table in tables]
    for seed, ((_, curve), accuracy) in enumerate(zip(runs, accuracies, strict=True)):
        print(f"seed {seed}: loss {curve[0, 0]:.3f} -> {curve[-1, 0]:.4f} in training, {curve[-1, 1]:.3f} in test,"
              f" accuracy {accuracy:.1%}")  # fmt: skip
    sweep = rate_sweep(seed=0)
    print("\nlearning rate  training loss  test accuracy (ten epochs)")
    for rate, (loss, accuracy) in zip(RATES, sweep, strict=True):
        print(f"{rate:13g} {loss:14.3f} {accuracy:14.1%}")
    wrong = np.where(np.eye(10, dtype=bool), 0, np.sum(tables, axis=0))
    true, read = np.unravel_index(wrong.argmax(), wrong.shape)
    best = int(np.nanargmin(sweep[:, 0]))
    print(f"\nConclusion: five seeds reach {min(accuracies):.1%} to {max(accuracies):.1%} of {tables[0].sum()} test"
          f" digits, in {seconds:.1f} s each.\nThe commonest mistake is a {true} read as a {read}: {wrong.max()} of"
          f" {wrong.sum()} over all seeds. Of the rates tried, {RATES[best]:g} brings the loss lowest;"
          f"\n{RATES[0]:g} ends at {sweep[0, 0]:.2f}, {RATES[-1]:g} at {sweep[-1, 0]:.2f};"
          f" guessing has {np.log(10):.2f}.")  # fmt: skip
    draw([curve for _, curve in runs], tables[0], sweep, folder)


if __name__ == "__main__":
    main()
