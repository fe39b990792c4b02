"""6. Vanishing gradients: what depth does to a plain net before it has learnt anything.

Minutes: 25. Before it: lessons 1 and 5. Shows: C3. Facts: E6.
Papers: Glorot and Bengio (2010), He et al. (2015, "Delving deep into rectifiers").
"""

# %% [markdown]
# Backward multiplies. On its way from the loss to the image a gradient passes every layer, and each layer
# multiplies it by a matrix and by the slopes of the activation. If a typical factor is 0.9, fifty layers
# leave 0.9^50 = 0.005 of it; if it is 0.25, they leave 10^-30. We look at nets that have not been trained: if
# no gradient reaches the first layer now, it will never learn to do better.

# %%
import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn
from minigrad.classroom.script import show
from minigrad.plot.style import CYCLE, figure

for factor in (0.9, 0.25):
    print(f"{factor} fifty times: {factor**50:.0e}")

# %% [markdown]
# ## One net, one backward pass
# A plain net is a chain. We use float64, because the smallest gradients below would be 0 in float32.

# %%
WIDTH = 48
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
INITS = {
    "default": lambda w: w,  # what nn.Linear does: uniform, variance 1/(3 n), as in PyTorch
    "Xavier": nn.init.xavier_normal_,  # variance 1/n in a square layer: made for tanh near 0
    "He": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),  # variance 2/n: ReLU drops half
}


def plain_net(depth, activation, init):
    """`depth` hidden layers, and a head for the ten digits."""
    layers = []
    for i in range(depth):
        linear = nn.Linear(64 if i == 0 else WIDTH, WIDTH)
        init(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10)).double()


def net_trace(depth, activation, init, seed=0):
    """The trace of one backward pass through such a net, on 64 digits."""
    mg.manual_seed(seed)
    net = plain_net(depth, ACTIVATIONS[activation], INITS[init])
    images, labels = data.digits("train", flatten=True)
    return inspect.trace(F.cross_entropy(net(images[:64].double()), labels[:64]), keep="norms")


# %% [markdown]
# `inspect.trace(loss)` runs the backward pass and keeps what passed each node; `.layers()` lists, for each
# layer, the norm of the loss's gradient with respect to what that layer hands on. Five sigmoid layers:

# %%
print(net_trace(5, "sigmoid", "Xavier").layers())

# %% [markdown]
# Read it from the bottom: each layer takes its part. Where does a gradient first become tiny? In a deep net you don't
# want to read a table for that. `inspect.vanishing(limit)` is a condition on a step of the pass, and
# `with inspect.stop_when(inspect.vanishing(1e-6)):` around `loss.backward()` stops your debugger at the first step for
# which it holds. Here we ask for the step's name only:

# %%
tiny = inspect.vanishing(1e-6)
trace = net_trace(50, "sigmoid", "Xavier")
step = next(step for step in trace if tiny(step))
print(f"50 sigmoid layers: the norm falls below 1e-6 at {step.name}, in module {step.module} of 0 to 100")


# %% [markdown]
# ## Every activation, every initialisation
# What to expect:
# - **sigmoid**: its slope is at most 1/4. Every layer takes at least that factor, whatever a sensible init does.
# - **tanh**: its slope is 1 at zero. Xavier's init keeps the linear part's scale, so the loss is slow, but there.
# - **ReLU**: half of the slopes are 0, half are 1. He's init doubles the variance to make up for the lost half.
# - The **default** of `nn.Linear` has variance 1/(3n): too small for depth, for all three.

# %%
DEPTHS = [2, 5, 10, 20, 50, 100]


def layer_norms(depth, activation, init, seed=0):
    """The gradient's norm at the output of every hidden layer, the first layer first."""
    rows = net_trace(depth, activation, init, seed).layers()
    return rows.norms[1:-1:2]  # Linear, activation, Linear, activation, ..., head: we keep the activations


def arrived(depth, activation, init, seed=0):
    """What part of the gradient at the last hidden layer arrives at the first."""
    norms = layer_norms(depth, activation, init, seed)
    return norms[0] / norms[-1]


table = {(a, i): [arrived(d, a, i) for d in DEPTHS] for a in ACTIVATIONS for i in INITS}
print("gradient at the first layer / at the last, by depth", DEPTHS)
for (activation, init), values in table.items():
    print(f"{activation:>8} {init:<8}" + "".join(f"{v:9.1e}" for v in values))

# %%
fig, axes = figure(1, 3, width=9.5, height=4.6)
for ax, name in zip(axes, ACTIVATIONS, strict=True):
    for init, colour, marker in zip(INITS, CYCLE[2:], "sov", strict=False):
        ax.loglog(DEPTHS, table[name, init], color=colour, marker=marker, label=f"{init} init")
    ax.set(title=name, xlabel="hidden layers", ylim=(1e-88, 1e8), xticks=DEPTHS, xticklabels=DEPTHS)
    ax.set_yticks([10.0**-k for k in range(0, 81, 20)], ["1", *(f"$10^{{-{k}}}$" for k in range(20, 81, 20))])
    ax.minorticks_off()
axes[0].set_ylabel("gradient at first layer / at last layer")
axes[0].legend(loc="lower left")
show(
    fig, "06_sweep", "Down means lost. Sigmoid loses it with any init; tanh with Xavier and ReLU with He keep it best."
)

# %% [markdown]
# ## He's initialisation, over many seeds
# It is often said that He's init "preserves the gradient". What is preserved is the *mean of the square* over
# many random nets. A single net multiplies fifty random factors, and a product of random factors is a
# lopsided thing: its logarithm is near a normal distribution, a few large values hold up the mean, and a
# typical net is far below. Theory says, to first order: through layers of width n_j, ln |g|^2 changes by
# -2.5 sum(1/n_j) in the mean, and with variance 5 sum(1/n_j).
#
# For hundreds of nets at once we put the seeds into a batch dimension: one `@` multiplies them all.


# %%
def he_logs(seeds=400, depth=50, width=64, seed=0):
    """ln(|g_l|^2 / |g_L|^2) for every layer l of `depth`, in `seeds` random nets: shape (depth + 1, seeds)."""
    rng = np.random.default_rng(seed)
    h = mg.tensor(rng.standard_normal((seeds, 1, width), dtype=np.float32), requires_grad=True)
    kept = [h]
    for _ in range(depth):
        w = rng.standard_normal((seeds, width, width), dtype=np.float32) * np.float32(math.sqrt(2 / width))
        kept.append(F.relu(kept[-1] @ mg.tensor(w)))
    g = rng.standard_normal((seeds, 1, width), dtype=np.float32)  # a random gradient arrives at the last layer
    kept[-1].backward(mg.tensor(g))
    squares = np.array([(k.grad.array.astype(float) ** 2).sum(axis=(1, 2)) for k in kept[:-1]] + [(g**2).sum((1, 2))])
    return np.log(squares / squares[-1])


logs = he_logs()
half, whole = logs[25], logs[0]
print(f"He init, {logs.shape[1]} ReLU nets of width 64, |g|^2 against that at the last layer:")
print(f"  back through 25 layers: mean {np.exp(half).mean():.2f}, median {np.exp(np.median(half)):.2f}")
print(f"  back through 50 layers: ln has mean {whole.mean():.2f} and variance {whole.var():.2f};"
      f" to first order {-2.5 * 50 / 64:.2f} and {5 * 50 / 64:.2f} are expected")  # fmt: skip

# %%
fig, ax = figure(width=8, height=4.8)
back = np.arange(len(logs))[::-1]  # layers that the gradient has come back through
low, middle, high = np.percentile(logs / math.log(10), (5, 50, 95), axis=1)
ax.fill_between(back, low, high, color=CYCLE[5], alpha=0.4, label="90 % of the nets")
ax.plot(back, middle, color=CYCLE[0], label="median net")
ax.plot(back, np.log10(np.exp(logs).mean(axis=1)), color="black", linestyle="--", label="mean over nets")
ax.set(xlabel="layers that the gradient has come back through", ylabel="log10 of |g|² / |g at the last layer|²")
ax.legend()
show(fig, "06_he_many_seeds", f"{logs.shape[1]} ReLU nets, He init. The mean stays near 1 (here 0); the typical net"
     " sinks; they spread.")  # fmt: skip

# %%
low, high = np.exp(np.percentile(whole, (5, 95)))
print(f"Conclusion: through 100 layers a sigmoid net keeps {table['sigmoid', 'Xavier'][-1]:.0e} of its gradient"
      f" (Xavier), a tanh net {table['tanh', 'Xavier'][-1]:.1g},"
      f" a ReLU net {table['relu', 'He'][-1]:.1g} (He).\nWith He's init |g|^2 doesn't vanish on average;"
      f" it fluctuates: nine nets in ten lie between {low:.0e} and {high:.0e} at 50 layers.")  # fmt: skip
