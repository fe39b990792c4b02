"""4. The dense layer and its kernels: by hand, in NumPy, in Numba; and how to check a gradient.

Minutes: 30. Before it: lessons 1 and 3. Shows: what is under a node; why checks run in float64.
Papers: Goto and van de Geijn (2008, fast products), Baydin et al. (2018, on finite differences).
"""

# %% [markdown]
# A dense layer is y = x @ w.T + b: a batch of N inputs with I features each becomes N outputs with O features. In
# indices y[n, o] = sum_i x[n, i] w[o, i] + b[o]. Everything about its backward can be read off that line. Ask of each
# input: in which outputs does it appear, and with which factor?
# - x[n, i] appears in y[n, o] for every o, with factor w[o, i]:  gx[n, i] = sum_o gy[n, o] w[o, i].
# - w[o, i] appears in y[n, o] for every n, with factor x[n, i]:  gw[o, i] = sum_n gy[n, o] x[n, i].
# - b[o] appears in y[n, o] for every n, with factor 1:           gb[o] = sum_n gy[n, o].
#
# Each sum is a fork of lesson 3: a value that was used many times sums what comes back. The first two are products of
# matrices again. If you forget which to transpose, the shapes tell you: gx must have the shape of x.

# %%
import timeit

import numba
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.engine import Node
from minigrad.lessons.script import finish, save_folder
from minigrad.plot.style import CYCLE, figure


# %%
class Dense(Node):
    """A dense layer as a node of our own. What `backward` needs is kept under names."""

    def forward(self, x, w, b):
        self.x, self.w = x, w
        return x @ w.T + b

    def backward(self, gy):
        return gy @ self.w, gy.T @ self.x, gy.sum(0)


def same_as_the_layer(seed):
    """The largest difference between our node and `nn.Linear`, over all three gradients."""
    mg.manual_seed(seed)
    layer = nn.Linear(7, 5).double()
    x = mg.randn(6, 7, dtype=mg.float64, requires_grad=True)
    inputs = (x, layer.weight, layer.bias)
    theirs, ours = (mg.grad((y**2).sum(), inputs) for y in (layer(x), Dense()(*inputs)))
    return max(np.abs(a.data - b.data).max() for a, b in zip(theirs, ours, strict=True))


# %% [markdown]
# ## A kernel, three times
# The node says *what*; a kernel says *how*. First the three loops of the definition, in Python. Then the very same
# function, compiled by Numba to machine code. Then NumPy's `@`, which hands over to a BLAS library: that one cuts the
# matrices into blocks that stay in the processor's cache, and multiplies several numbers at a time.


# %%
def product(a, b):
    """a @ b by its definition."""
    rows, inner, columns = a.shape[0], a.shape[1], b.shape[1]
    c = np.zeros((rows, columns), a.dtype)
    for i in range(rows):
        for k in range(inner):
            for j in range(columns):
                c[i, j] += a[i, k] * b[k, j]
    return c


compiled_product = numba.njit(product)  # compiled at its first call, for the types that it is called with
PRODUCTS = {"Python": product, "Numba": compiled_product, "NumPy @": np.matmul}


# %% [markdown]
# Numba wins by a lot against Python, and loses to BLAS. So minigrad leaves the dense product to `@`. Numba earns its
# keep where NumPy needs several passes over memory: relu(y + b) is two in NumPy, and one in a loop. (minigrad has it as
# a kernel. Each of its kernels stands beside a NumPy version of the same name, which is its oracle in the tests, and
# takes its place if you set MINIGRAD_KERNELS=numpy.)


# %%
def bias_relu(y, b):
    """relu(y + b), in two passes."""
    return np.maximum(y + b, 0)


@numba.njit
def compiled_bias_relu(y, b):
    """relu(y + b), in one pass."""
    result = np.empty_like(y)
    for n in range(y.shape[0]):
        for o in range(y.shape[1]):
            value = y[n, o] + b[o]
            result[n, o] = value if value > 0 else 0
    return result


def seconds(function, *arguments, repeats=7):
    """The best time of a call (others only wait longer), after one that isn't counted: it may compile."""
    function(*arguments)
    return min(timeit.repeat(lambda: function(*arguments), number=1, repeat=repeats))


def time_products(sizes, seed=0):
    """Seconds for a square product, by kernel and size; None where the loop in Python would take too long."""
    rng = np.random.default_rng(seed)
    pairs = [rng.standard_normal((2, n, n), dtype=np.float32) for n in sizes]
    return {name: [None if name == "Python" and len(a) > 64 else seconds(f, a, b) for a, b in pairs]
            for name, f in PRODUCTS.items()}  # fmt: skip


def time_bias_relu(seed=0):
    """Seconds for relu(y + b) on a large array: NumPy, Numba."""
    rng = np.random.default_rng(seed)
    y, b = rng.standard_normal((2048, 1024), dtype=np.float32), rng.standard_normal(1024, dtype=np.float32)
    return seconds(bias_relu, y, b), seconds(compiled_bias_relu, y, b)


# %% [markdown]
# ## Checking a gradient
# The judge of lesson 1 was a nudge: (f(w + h) - f(w - h)) / 2h. How large should h be? Two errors pull it two ways.
# The difference is a chord and not a tangent: that costs about h^2. And f is rounded, to a part in 10^16 in float64
# and in 10^7 in float32; divided by h, that costs 10^-16/h or 10^-7/h. The best h is near the cube root of the
# rounding, and the best error near its power 2/3: 10^-11 in float64, 10^-5 in float32.
#
# So float32 fails twice. At its best it has about four right digits, and a check that tolerates so much lets wrong
# rules pass. At the h that suits float64, 10^-6, rounding is all that is left. Note what is *not* at fault: the
# gradient from our rule, in float32, is right to 10^-6 or so. The judge is bad, not the rule.

# %%
STEPS = np.logspace(-10, 0, 41)


def check_errors(dtype, seed):
    """Errors relative to the true gradient: of the difference at each step h, and of our rule in this dtype."""
    rng = np.random.default_rng(seed)
    x, w, b, c = (rng.standard_normal(shape) for shape in ((8, 6), (4, 6), 4, (8, 4)))

    def loss_and_gradient(kind):
        xs, ws, bs, cs = (mg.tensor(v.astype(kind)) for v in (x, w, b, c))
        loss = (cs * mg.tanh(Dense()(xs, ws.requires_grad_(), bs))).sum()
        loss.backward()
        return ws.grad.data

    true = loss_and_gradient(np.float64)
    size = np.abs(true).max()
    xs, ws, bs, cs = (v.astype(dtype) for v in (x, w, b, c))

    def f(weights):
        return (cs * np.tanh(xs @ weights.T + bs)).sum()

    errors = []
    for h in STEPS:
        difference = np.zeros_like(true)
        for index in np.ndindex(*w.shape):
            up, down = ws.copy(), ws.copy()
            up[index] += dtype(h)
            down[index] -= dtype(h)
            difference[index] = (float(f(up)) - float(f(down))) / (2 * h)
        errors.append(np.abs(difference - true).max() / size)
    return np.array(errors), np.abs(loss_and_gradient(dtype) - true).max() / size


# %%
def draw(sizes, times, errors, folder):
    """Two figures: the kernels' times, and the gradient check's error by step."""
    fig, ax = figure(width=8, height=4.8)
    for (name, values), colour, marker in zip(times.items(), CYCLE, "so^", strict=False):
        known = [(n, t * 1e3) for n, t in zip(sizes, values, strict=True) if t is not None]
        ax.loglog(*zip(*known, strict=True), color=colour, marker=marker, label=name)
    ax.set(xlabel="size n of an n x n product (float32)", ylabel="time (ms, best of 7)")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.legend()
    fig.text(0.5, 0.02, "The same three loops: compiled, far faster than in Python. BLAS is faster still.", ha="center")
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "04_kernels.png"))

    fig, ax = figure(width=8, height=4.8)
    for (name, (by_step, rule)), colour in zip(errors.items(), CYCLE, strict=False):
        ax.loglog(STEPS, by_step, color=colour, label=f"difference in {name}", marker="." if name == "float32" else "")
        if rule:  # in float64 it is itself the truth that we measure by
            ax.axhline(rule, color=colour, linestyle="--", label=f"our rule in {name}")
    ax.axvline(1e-6, color="#555555", linestyle=":", label="the step of mg.gradcheck")
    ax.set(xlabel="step h", ylabel="largest error / largest gradient", ylim=(1e-17, 1e5))
    ax.legend(fontsize=9, ncols=2, loc="upper center")
    fig.text(0.5, 0.02, "Left of each valley rounding rules, right of it the curvature.", ha="center")
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "04_gradient_check.png"))


# %%
if __name__ == "__main__":
    folder = save_folder()
    print(f"Our node against nn.Linear: largest difference {max(same_as_the_layer(s) for s in range(5)):.0e}.")
    sizes = [16, 32, 64, 128, 256]
    times = time_products(sizes)
    for name, values in times.items():
        print(f"{name:>8}" + "".join(f"{'-' if t is None else f'{t * 1e3:.3f}':>10}" for t in values) + " ms")
    two_passes, one_pass = time_bias_relu()
    errors = {kind.__name__: check_errors(kind, seed=0) for kind in (np.float32, np.float64)}
    at = int(np.abs(np.log(STEPS / 1e-6)).argmin())
    for name, (by_step, _) in errors.items():
        print(f"{name}: the difference is best at h = {STEPS[by_step.argmin()]:.0e}, error {by_step.min():.0e};"
              f" at h = 1e-06 its error is {by_step[at]:.0e}")  # fmt: skip
    to_python, to_blas = times["Python"][2] / times["Numba"][2], times["Numba"][-1] / times["NumPy @"][-1]
    print(f"\nConclusion: at size 64 Numba is {to_python:.0f} times as fast as Python;"
          f" at 256 BLAS is {to_blas:.1f} times as fast as Numba's loops."
          f"\nrelu(y + b) takes {two_passes * 1e3:.1f} ms in two passes, {one_pass * 1e3:.1f} ms in one."
          f"\nA difference is at best {errors['float32'][0].min():.0e} wrong in float32,"
          f" {errors['float64'][0].min():.0e} in float64.\nOur rule in float32 is {errors['float32'][1]:.0e} wrong."
          " So: check in float64, train in float32.")  # fmt: skip
    draw(sizes, times, errors, folder)
