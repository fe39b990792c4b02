"""4. The dense layer and its kernels: by hand, in NumPy, in Numba; and how to check a gradient.

Minutes: 30. Before it: lessons 1 and 3. Shows: what is under a node; why checks run in float64.
Papers: Goto and van de Geijn (2008, fast products), Baydin et al. (2018, on finite differences).
"""

# %% [markdown]
# A dense layer is y = x @ w.T + b: a batch of N inputs with I features becomes N outputs with O. In indices:
# y[n, o] = sum_i x[n, i] w[o, i] + b[o]. Ask of each input: in which outputs does it appear, and with which factor?
# - x[n, i] appears in y[n, o] for every o, with factor w[o, i]:  gx[n, i] = sum_o gy[n, o] w[o, i].
# - w[o, i] appears in y[n, o] for every n, with factor x[n, i]:  gw[o, i] = sum_n gy[n, o] x[n, i].
# - b[o] appears in y[n, o] for every n, with factor 1:           gb[o] = sum_n gy[n, o].
#
# Each sum is a fork of lesson 3. Written as loops, that is all there is to it:

# %%
import timeit

import numba
import numpy as np
from threadpoolctl import threadpool_limits

import minigrad as mg
from minigrad import nn
from minigrad.classroom.script import show
from minigrad.engine import Node
from minigrad.plot.style import CYCLE, figure


def dense_by_hand(gy, x, w):
    """The three gradients, from the indices."""
    gx, gw, gb = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w))
    for n in range(len(x)):
        for o in range(len(w)):
            gb[o] += gy[n, o]
            for i in range(x.shape[1]):
                gx[n, i] += gy[n, o] * w[o, i]
                gw[o, i] += gy[n, o] * x[n, i]
    return gx, gw, gb


rng = np.random.default_rng(0)
x, w, gy = rng.standard_normal((6, 7)), rng.standard_normal((5, 7)), rng.standard_normal((6, 5))
print("shapes of gx, gw, gb:", *(g.shape for g in dense_by_hand(gy, x, w)))

# %% [markdown]
# ## As products
# The first two are products of matrices again. If you forget which to transpose, the shapes tell you: gx must have the
# shape of x, (N, I), and of gy (N, O) and w (O, I) only gy @ w has it. A node of our own needs these three lines; what
# its backward needs is kept under names.


# %%
class Dense(Node):
    """A dense layer as a node of our own."""

    def forward(self, x, w, b):
        self.x, self.w = x, w
        return x @ w.T + b

    def backward(self, gy):
        return gy @ self.w, gy.T @ self.x, gy.sum(0)


node = Dense()
node(*(mg.tensor(v, requires_grad=True) for v in (x, w, np.zeros(5))))
for name, hand, rule in zip(("gx", "gw", "gb"), dense_by_hand(gy, x, w), node.backward(gy), strict=True):
    print(f"{name}: by hand and by the rule, largest difference {np.abs(hand - rule).max():.0e}")

# %% [markdown]
# It is what `nn.Linear` does:


# %%
def same_as_the_layer(seed):
    """The largest difference between our node and `nn.Linear`, over all three gradients."""
    mg.manual_seed(seed)
    layer = nn.Linear(7, 5).double()
    x = mg.randn(6, 7, dtype=mg.float64, requires_grad=True)
    inputs = (x, layer.weight, layer.bias)
    theirs, ours = (mg.grad((y**2).sum(), inputs) for y in (layer(x), Dense()(*inputs)))
    return max(np.abs(a.array - b.array).max() for a, b in zip(theirs, ours, strict=True))


print(f"our node against nn.Linear, five seeds: {max(same_as_the_layer(seed) for seed in range(5)):.0e}")

# %% [markdown]
# ## A kernel, three times
# The node says *what*; a kernel says *how*. First the three loops of the definition, in Python. Then the very same
# function, compiled by Numba to machine code. Then NumPy's `@`, which hands over to a BLAS library: that one cuts the
# matrices into blocks that stay in the processor's cache, and multiplies several numbers at a time.


# %%
def product(a, b):
    """a @ b by its definition."""
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    return c


SIZES = [16, 64, 256]
PRODUCTS = {"Python": product, "Numba": numba.njit(product), "NumPy @": np.matmul}


def seconds(f, *arguments):
    """The best time of seven calls (others only wait longer), after one that isn't counted: it may compile."""
    f(*arguments)
    return min(timeit.repeat(lambda: f(*arguments), number=1, repeat=7))


def time_products():
    """Seconds for the product of two square matrices, by kernel and size; the loop in Python only up to 64."""
    pairs = [np.random.default_rng(0).standard_normal((2, n, n), dtype=np.float32) for n in SIZES]
    with threadpool_limits(1):  # BLAS may use several threads; the loops here use one
        return {name: [seconds(f, *ab) for ab in pairs[: 2 if f is product else 3]] for name, f in PRODUCTS.items()}


times = time_products()
print("milliseconds for n x n products, n =", SIZES)
for name, values in times.items():
    print(f"{name:>8}" + "".join(f"{t * 1e3:10.3f}" for t in values))

# %% [markdown]
# Numba wins by a lot against Python, and loses to BLAS. So minigrad leaves the dense product to `@`. Numba earns its
# keep where NumPy needs several passes over memory: relu(y + b) is two in NumPy, and one in a loop.


# %%
@numba.njit  # compiled at its first call, for the types that it is called with
def bias_relu(y, b):
    """relu(y + b), in one pass."""
    result = np.empty_like(y)
    for n in range(y.shape[0]):
        for o in range(y.shape[1]):
            result[n, o] = max(y[n, o] + b[o], 0)
    return result


y, b = np.random.default_rng(0).standard_normal((2, 2048, 1024), dtype=np.float32)
one_pass, two_passes = seconds(bias_relu, y, b[0]), seconds(lambda: np.maximum(y + b[0], 0))
print(f"relu(y + b): {two_passes * 1e3:.1f} ms in two passes, {one_pass * 1e3:.1f} ms in one")

# %% [markdown]
# ## Checking a gradient
# The judge of lesson 1 was a nudge: (f(w + h) - f(w - h)) / 2h. How large should h be? Two errors pull it two ways.
# The difference is a chord and not a tangent: that costs about h^2. And f is rounded, to a part in 10^16 in float64
# and in 10^7 in float32; divided by h, that costs 10^-16/h or 10^-7/h. The best h is near the cube root of the
# rounding, and the best error near its power 2/3: 10^-11 in float64, 10^-5 in float32. Try every h:

# %%
STEPS = np.logspace(-10, 0, 41)
AT = 16  # STEPS[16] is 1e-6, the step of mg.gradcheck


def check_errors(dtype, seed):
    """Errors relative to the true gradient: of the difference at each step h, and of our rule in this dtype."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in ((8, 6), (4, 6), 4, (8, 4))]

    def rule(kind):
        x, w, b, c = (mg.tensor(v.astype(kind), requires_grad=True) for v in arrays)
        return mg.grad((c * mg.tanh(Dense()(x, w, b))).sum(), [w])[0].array

    x, w, b, c = (v.astype(dtype) for v in arrays)
    true, errors = rule(np.float64), []
    for h in STEPS:
        nudges = dtype(h) * np.eye(w.size, dtype=dtype).reshape(-1, *w.shape)  # one weight at a time
        up, down = ([float((c * np.tanh(x @ v.T + b)).sum()) for v in (w + sign * nudges)] for sign in (1, -1))
        errors.append(np.abs(np.subtract(up, down) / (2 * h) - true.ravel()).max())
    return np.array(errors) / np.abs(true).max(), np.abs(rule(dtype) - true).max() / np.abs(true).max()


(single, our_rule), (double, _) = check_errors(np.float32, seed=0), check_errors(np.float64, seed=0)
fig, ax = figure(width=8, height=4.8)
ax.loglog(STEPS, single, color=CYCLE[0], marker=".", label="difference in float32")
ax.loglog(STEPS, double, color=CYCLE[1], label="difference in float64")
ax.axhline(our_rule, color=CYCLE[0], linestyle="--", label="our rule in float32")
ax.axvline(STEPS[AT], color="black", linestyle=":", label="the step of mg.gradcheck")
ax.set(xlabel="step h", ylabel="largest error / largest gradient", ylim=(1e-12, 1e5))
ax.legend(ncols=2, loc="upper center")
show(fig, "04_gradient_check", "Left of each valley rounding rules, right of it the curvature.")

# %% [markdown]
# So float32 fails twice: at its best it has four right digits, and lets wrong rules pass; at 10^-6, which suits
# float64, it has hardly one. And yet our rule, in float32, is right to 10^-6 or so: the judge is bad, not the rule.
# `mg.gradcheck` wants float64:

# %%
leaves = [mg.randn(*shape, dtype=mg.float64, requires_grad=True) for shape in ((8, 6), (4, 6), (4,))]
print("gradcheck of our node:", mg.gradcheck(lambda *t: Dense()(*t), leaves))

# %%
loops, compiled, blas = times.values()
print(f"Conclusion: at size 64 Numba is {loops[1] / compiled[1]:.0f} times as fast as Python; at 256 BLAS is"
      f" {compiled[2] / blas[2]:.1f} times as fast as Numba.\nA difference is at best {single.min():.0e} wrong in"
      f" float32, {double.min():.0e} in float64; at h = 1e-06, {single[AT]:.0e} and {double[AT]:.0e}.\nOur rule in"
      f" float32 is {our_rule:.0e} wrong. So: check in float64, train in float32.")  # fmt: skip
