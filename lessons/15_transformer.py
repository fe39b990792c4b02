"""15. The Transformer: a stream that every layer adds to, and what cuts, norms and positions do to it.

Minutes: 40. Before it: lessons 7 and 9. Shows: C2, C3.
Papers: Vaswani et al. (2017); Radford et al. (2019, GPT-2); Xiong et al. (2020); Su et al. (2021, rotary positions).
"""

# %% [markdown]
# A language model gives, at every place of a text, scores for the next character. GPT carries a vector for each place
# from the embedding to the head: the *residual stream*. Every layer reads the stream twice, once to look at earlier
# places (attention) and once to think (two linear layers), and adds what it found. The code is short:
# `minigrad/models/gpt.py`. The text is real English that Python brings along, the manual of the language itself:

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, models, nn, optim
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

LENGTH, BATCH = 32, 16
TEXT = data.text()[:100_000]
ALPHABET = sorted(set(TEXT))
CODES = np.array([ALPHABET.index(character) for character in TEXT])
print(f"{len(TEXT):,} characters, {len(ALPHABET)} different ones. It begins:\n{TEXT[:200]}")

# %% [markdown]
# ## The stream in the ledger
# The ledger has one row for each fork and join: two a layer, under the names of their branches. In a pre-norm net,
# `x + f(norm(x))`, nothing stands on the skip, so `g_skip` is the gradient of the join itself, and over the whole
# depth the loss's gradient at the stream is handed down as it is; each branch adds its part to it.


# %%
def batch(rng):
    """Texts of LENGTH characters, and for each place the character that comes next."""
    starts = rng.integers(0, len(CODES) - LENGTH - 1, BATCH)
    codes = mg.tensor(CODES[starts[:, None] + np.arange(LENGTH + 1)])
    return codes[:, :-1], codes[:, 1:]


def loss_of(model, x, y):
    """The mean cross-entropy of the next character, in nats."""
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def made(seed=0, layers=4, **settings):
    """A GPT with weights of its own."""
    mg.manual_seed(seed)
    return models.GPT(len(ALPHABET), LENGTH, layers=layers, heads=4, width=48, **settings)


model = made(layers=3)
x, y = batch(np.random.default_rng(0))
print(inspect.trace(loss_of(model, x, y)).ledger())

# %% [markdown]
# ## With the skips, and with the skips cut
# The same net, the same data, the same rate; one has `x + f(norm(x))`, the other `f(norm(x))`. A model that knows only
# how often each character comes has the entropy of the characters as its loss: that is the line to pass.


# %%
def trained(steps=400, seed=0, **settings):
    """A model after training, and its losses."""
    model, rng, losses = made(seed, **settings), np.random.default_rng(seed), []
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        loss = loss_of(model, *batch(rng))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, np.array(losses)


def entropy():
    """The loss of who knows only how often each character comes."""
    p = np.bincount(CODES) / len(CODES)
    return float(-(p * np.log(p)).sum())


whole, losses = trained()
_, cut_losses = trained(skips=False)
print(f"frequencies alone: {entropy():.2f}; with skips {losses[-20:].mean():.2f}; cut {cut_losses[-20:].mean():.2f}")

fig, ax = figure(width=8, height=4.4)
ax.plot(losses, color=COLOURS["residual"], label="with skips")
ax.plot(cut_losses, "--", color=COLOURS["plain"], label="skips cut")
ax.axhline(entropy(), color="black", linestyle=":", label="knowing the frequencies only")
ax.set(xlabel="step", ylabel="cross-entropy (nats a character)")
ax.legend()
show(fig, "15_cut", "With its skips cut, the same net learns how often characters come, and little beyond.")

# %% [markdown]
# What it writes after so short a training: words in outline. `generate` keeps the keys and values of what is there in a
# cache, so a new character costs one step and not a whole pass; the logits are the same to rounding.

# %%
start = mg.tensor([[ALPHABET.index("T")]])
codes = whole.generate(start, 120, temperature=0.6, seed=0).array[0]
print("".join(ALPHABET[code] for code in codes))
cache = models.Cache()
with mg.no_grad():
    at_once = whole(x).array
    one_by_one = np.concatenate([whole(x[:, t : t + 1], cache).array for t in range(LENGTH)], axis=1)
print("the cache differs from the whole pass by at most", abs(at_once - one_by_one).max())

# %% [markdown]
# ## What positions do
# Attention sees a set, not a sequence: keys and values come with no place of their own. In one causal layer without
# positions, the last place gives the same answer if the earlier characters change their order. Each of three encodings
# ends that: a learnt vector a place, sines and cosines, or a rotation of queries and keys by their place, after which
# a score depends on the distance alone.


# %%
def shuffled_difference(positions, seed=0):
    """How much the last place's scores change if all places before it are shuffled: the largest change."""
    model = made(seed, layers=1, positions=positions).double()
    rng = np.random.default_rng(seed)
    row = rng.integers(0, len(ALPHABET), LENGTH)
    shuffled = np.append(rng.permutation(row[:-1]), row[-1])
    with mg.no_grad():
        a, b = (model(mg.tensor(tokens[None]))[0, -1].array for tokens in (row, shuffled))
    return float(abs(a - b).max() / abs(a).max())


for positions in (None, "learned", "sinusoidal", "rotary"):
    print(f"{positions!s:10}: shuffling changes the last place by {shuffled_difference(positions):.1e}")

# %% [markdown]
# ## Pre-norm or post-norm
# The first Transformers had the norm on the stream: `norm(x + f(x))`. Xiong et al. showed that at the start the
# gradient of the *last* layer's weights is then the same at any depth; in a pre-norm net it falls as 1 / sqrt(L): the
# stream has grown by L branches when the last norm divides by its size. So a post-norm net needs a slow start, the
# more so the deeper it is. Uniform attention and Xavier's weights, as in their proof:


# %%
def feed_forward_gradients(layers, norm_first, seed, width=32):
    """The norm of the gradient of the last matrix of each layer, at the start."""
    mg.manual_seed(seed)
    layer = nn.TransformerEncoderLayer(width, 2, 4 * width, dropout=0.0, batch_first=True, norm_first=norm_first)
    net = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width) if norm_first else None)
    for name, p in net.named_parameters():
        if p.ndim > 1:
            nn.init.xavier_uniform_(p)
        if name.endswith("in_proj_weight"):
            p.array[: 2 * width] = 0  # queries and keys: every score is 0
    (net(mg.randn(8, 8, width)) * mg.randn(8, 8, width)).mean().backward()
    return np.array([layer.linear2.weight.grad.norm().item() for layer in net.layers])


DEPTHS = [2, 4, 8, 16]
last = {
    name: np.array([np.mean([feed_forward_gradients(n, first, s)[-1] for s in range(5)]) for n in DEPTHS])
    for name, first in (("post-norm", False), ("pre-norm", True))
}
for name, found in last.items():
    print(f"{name}: the last layer's gradient, relative to {DEPTHS[0]} layers: {np.round(found / found[0], 2)}")
print(f"1 / sqrt(L), relative to the same:                       {np.round((2 / np.array(DEPTHS)) ** 0.5, 2)}")

fig, (left, right) = figure(width=9, height=4.2, columns=2)
for name, colour, marker in (("post-norm", "plain", "s"), ("pre-norm", "residual", "o")):
    left.loglog(DEPTHS, last[name] / last[name][0], marker=marker, color=COLOURS[colour], label=name)
    profile = np.mean([feed_forward_gradients(8, name == "pre-norm", s) for s in range(5)], axis=0)
    right.semilogy(range(1, 9), profile / profile[-1], marker=marker, color=COLOURS[colour], label=name)
left.loglog(DEPTHS, (2 / np.array(DEPTHS)) ** 0.5, ":", color="black", label="1 / sqrt(L)")
left.set(xlabel="layers, L", ylabel="gradient of the last layer, relative to L = 2")
left.set_xticks(DEPTHS, labels=map(str, DEPTHS), minor=False)
left.set_xticks([], minor=True)
right.set(xlabel="layer, of 8", ylabel="gradient, relative to the last layer's")
left.legend()
show(
    fig,
    "15_norms",
    "Left: constant in post-norm nets, 1 / sqrt(L) in pre-norm ones. Right: over the layers, pre-norm is not flat.",
)

# %% [markdown]
# The paper's own figure has the pre-norm profile almost flat over the layers; here it falls to half from the first to
# the last, and post-norm is the flatter of the two.
#
# ## How long are the paths?
# Six layers have twelve branches, so 4,096 routes from the loss to the embedding. Which lengths carry the gradient of
# the trained net?


# %%
def paths_of(model, x, y):
    """The path lengths from the loss to what leaves the embedding."""
    found = {}
    hook = model.drop.register_forward_hook(lambda module, arguments, output: found.update(stream=output))
    loss = loss_of(model, x, y)
    hook.remove()
    return inspect.path_lengths(loss, wrt=found["stream"])


deep, _ = trained(steps=100, layers=6)
paths = paths_of(deep, x, y)
fig, ax = figure(width=8, height=4.2)
ax.bar(range(13), np.array(paths.counts) / 4096, color=COLOURS["neutral"], alpha=0.6, label="of the routes")
ax.bar(range(13), paths.shares, width=0.5, color=COLOURS["residual"], label="of the gradient")
ax.set(xlabel="branches crossed, of 12", ylabel="share", xticks=range(13))
ax.legend()
show(fig, "15_paths", "Routes of few branches bring most of the gradient to the embedding.")
few = paths.shares[:5].sum()
print(f"routes of at most 4 branches: {sum(paths.counts[:5]) / 4096:.1%} of all, {few:.0%} of the gradient")
print(f"\nConclusion: with skips the loss is {losses[-20:].mean():.2f} nats, cut {cut_losses[-20:].mean():.2f};"
      f" frequencies alone give {entropy():.2f}.\nOf {2**12:,} routes those of at most 4 branches"
      f" bring {few:.0%} of the gradient.")  # fmt: skip
