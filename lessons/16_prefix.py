"""16. Prefix tuning: a frozen model, steered by a few learnt keys and values.

Minutes: 30. Before it: lesson 15. Shows: what little a prefix costs, and what it can't do.
Papers: Li and Liang (2021, prefix tuning); Liu et al. (2022, P-tuning v2); Petrov et al. (2024, on its limits).
"""

# %% [markdown]
# A trained model is to do something new. *Full tuning* changes all its weights, and needs a whole copy for every task.
# *Prefix tuning* leaves them frozen, and gives each layer some learnt keys and values that every place can look at,
# as if there were words before the text. They are all that is stored for a task.
#
# The base is a small GPT that has learnt Python's manual in lower case. The new task is the same manual in upper case,
# whose letters the base has never seen in a text.

# %%
import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, models, optim
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

LENGTH, BATCH = 32, 16
TEXT = data.text()[:60_000]
LOWER, UPPER = TEXT.lower(), TEXT.upper()
ALPHABET = sorted(set(LOWER + UPPER))
CODES = {name: np.array([ALPHABET.index(c) for c in text]) for name, text in (("lower", LOWER), ("upper", UPPER))}
print(f"{len(TEXT):,} characters, {len(ALPHABET)} different ones")


# %% [markdown]
# ## The base, and three ways to tune it


# %%
def batch(task, rng):
    """Texts of LENGTH characters, and the characters that come next."""
    codes = CODES[task]
    starts = rng.integers(0, len(codes) - LENGTH - 1, BATCH)
    rows = mg.tensor(codes[starts[:, None] + np.arange(LENGTH + 1)])
    return rows[:, :-1], rows[:, 1:]


def loss_of(model, x, y):
    """The mean cross-entropy of the next character."""
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def train(model, task, steps, rate, seed=0):
    """Train what may be trained; the losses."""
    rng, losses = np.random.default_rng(seed), []
    optimizer = optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    for _ in range(steps):
        loss = loss_of(model, *batch(task, rng))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def trained_base(seed=0, steps=150):
    """A small GPT that knows the lower-case text."""
    mg.manual_seed(seed)
    model = models.GPT(len(ALPHABET), LENGTH, layers=2, heads=4, width=32)
    return model, train(model, "lower", steps, 5e-3, seed)


def copy_of(model):
    """Another model with the same weights."""
    twin = models.GPT(len(ALPHABET), LENGTH, layers=2, heads=4, width=32)
    twin.load_state_dict(model.state_dict())
    return twin


def tunings(model, seed=0):
    """Three models to tune: a whole copy, a prefix, and a prefix that a net gives."""
    mg.manual_seed(seed)
    return {
        "full": copy_of(model),
        "prefix": models.PrefixGPT(copy_of(model), 8),
        "prefix by a net": models.PrefixGPT(copy_of(model), 8, hidden=64),
    }


base, losses = trained_base()
rng = np.random.default_rng(1)
with mg.no_grad():
    before = np.mean([loss_of(base, *batch("upper", rng)).item() for _ in range(10)])
print(f"the base on its own text: {losses[-20:].mean():.2f} nats; on the new one: {before:.2f}")

# %% [markdown]
# ## Parameters and losses

# %%
found, curves = tunings(base), {}
for name, model in found.items():
    count = sum(p.array.size for p in model.parameters() if p.requires_grad)
    curves[name] = train(model, "upper", 120, 5e-3 if name == "full" else 2e-2)
    print(f"{name:16} trains {count:6,} numbers; loss on the new text {curves[name][-20:].mean():.2f}")

fig, ax = figure(width=8, height=4.4)
for (name, curve), colour in zip(curves.items(), ("plain", "residual", "third"), strict=True):
    ax.plot(curve, color=COLOURS[colour], label=name)
ax.axhline(before, color="black", linestyle=":", label="the base, untuned")
ax.set(xlabel="step", ylabel="cross-entropy on the new text (nats)")
ax.legend()
show(fig, "16_tuning", "A prefix does a part of what full tuning does, with a few numbers; the base stays as it was.")

# %% [markdown]
# ## The base is the same, to the bit
# Frozen weights get no gradient and no step. What the base did before, it does still, with the prefix left away. And
# the net that gave the prefix can go: `merge` keeps what it gives, and the outputs stay the same to the bit.

# %%
for name in ("prefix", "prefix by a net"):
    tuned = found[name]
    pairs = zip(tuned.base.parameters(), base.parameters(), strict=True)
    same = all((a.array == b.array).all() for a, b in pairs)
    print(f"{name}: all {sum(p.array.size for p in base.parameters()):,} weights of the base are the same bits: {same}")
x, y = batch("upper", rng)
with mg.no_grad():
    outputs = found["prefix by a net"](x).array
    print("without its net, the same bits:", bool((found["prefix by a net"].merge()(x).array == outputs).all()))

# %% [markdown]
# ## What a prefix can't do
# With m the share of the attention that the prefix draws, a head gives `(1 - m) * content + m * prefix`. Over the
# content the weights are the base's times `(1 - m)`: their *ratios* stay. If a head looks twice as much at one word as
# at another, it does so with any prefix. A prefix adds something and turns the rest down; it can't make a head look
# elsewhere. (Petrov et al. show what follows: it brings out what the model can do, and hardly teaches it anything new.)


# %%
def attention(query, keys):
    """The weights of one head."""
    return F.softmax(query @ keys.transpose(0, 1) / math.sqrt(keys.shape[1]), -1)


def ratios_changed(seed=0, scale=3.0):
    """The largest relative change, by a random prefix, of the ratios between weights; and what the prefix draws."""
    rng = np.random.default_rng(seed)
    query, keys, prefix = (mg.tensor(rng.standard_normal((n, 8))) for n in (4, 6, 3))
    alone = attention(query, keys).array
    beside = attention(query, mg.cat([scale * prefix, keys])).array
    content = beside[:, 3:] / beside[:, 3:].sum(1, keepdims=True)
    return float(abs(content / alone - 1).max()), beside[:, :3].sum(1)


change, drawn = ratios_changed()
print(f"the prefix draws {np.round(drawn, 2)} of four queries' attention")
print(f"the ratios over the content change by at most {change:.0e}")

fig, ax = figure(width=8, height=4)
names = list(curves)
ax.bar(names, [curves[name][-20:].mean() for name in names], color=[COLOURS[c] for c in ("plain", "residual", "third")])
ax.axhline(before, color="black", linestyle=":", label="the base, untuned")
ax.axhline(losses[-20:].mean(), color=COLOURS["neutral"], linestyle="--", label="the base on the text it knows")
ax.set(ylabel="cross-entropy (nats)")
ax.legend()
show(fig, "16_end", "Full tuning comes near to what the base does on its own text; a prefix stays behind.")
print(
    f"\nConclusion: full tuning ends at {curves['full'][-20:].mean():.2f} nats, a prefix at"
    f" {curves['prefix'][-20:].mean():.2f}, the base stood at {before:.2f}.\nThe prefix is"
    f" {found['prefix'].prefix.array.size:,} numbers beside {sum(p.array.size for p in base.parameters()):,}, and"
    f" the base has not changed by a bit."
)
