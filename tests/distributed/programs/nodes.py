"""The laws of the collectives with a backward, on any number of ranks; run by mpiexec."""

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad.distributed.nn import functional as DF

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
rng = np.random.default_rng(100 + rank)


def total(number):
    x = mg.tensor(float(number), dtype=mg.float64)
    dist.all_reduce(x)
    return x.item()


def inner(xs, ys):
    return sum(float(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True))


def as_list(x):
    return list(x) if isinstance(x, tuple) else [x]


def adjoint(name, function, n_inputs, outside=lambda r: False):
    """Over all ranks together, <gy, J x> = <J' gy, x>: forward is linear, so it is J itself.

    On ranks where the output is zeros by definition (``outside``) its gradient counts for nothing.
    """
    xs = [mg.tensor(rng.standard_normal((3, 2)), requires_grad=True) for _ in range(n_inputs)]
    ys = as_list(function(*xs))
    gys = [rng.standard_normal(y.shape) for y in ys]
    loss = sum((y * mg.tensor(gy)).sum() for y, gy in zip(ys, gys, strict=True))
    loss.backward()
    forward = total(inner(gys, [y.array for y in ys]))
    backward = total(inner([x.array for x in xs], [x.grad.array for x in xs]))
    assert abs(forward - backward) < 1e-12 * max(1, abs(forward)), (name, forward, backward)
    # The rule on tensors: its own derivative is forward again, applied to what comes from above.
    xs = [mg.tensor(x.array, requires_grad=True) for x in xs]
    ys = as_list(function(*xs))
    seeds = [mg.tensor(gy, requires_grad=True) for gy in gys]
    grads = mg.grad(ys, xs, seeds, create_graph=True)
    above = [rng.standard_normal(g.shape) for g in grads]
    second = mg.grad(sum((g * mg.tensor(a)).sum() for g, a in zip(grads, above, strict=True)), seeds)
    expected = as_list(function(*[mg.tensor(a) for a in above]))
    for got, want in zip(second, expected, strict=True):
        np.testing.assert_allclose(got.array, want.array, rtol=1e-12, atol=1e-12)


last = size - 1
adjoint("all_reduce", DF.all_reduce, 1)
adjoint("all_reduce avg", lambda x: DF.all_reduce(x, dist.ReduceOp.AVG), 1)
adjoint("broadcast", lambda x: DF.broadcast(x, last), 1)
adjoint("reduce", lambda x: DF.reduce(x, last), 1)
adjoint("reduce avg", lambda x: DF.reduce(x, 0, dist.ReduceOp.AVG), 1)
adjoint("gather", lambda x: DF.gather(x, last), 1)
adjoint("scatter", lambda *xs: DF.scatter(xs, last), size)
adjoint("all_gather", DF.all_gather, 1)
adjoint("reduce_scatter", lambda *xs: DF.reduce_scatter(xs[0], xs), size)
adjoint("reduce_scatter avg", lambda *xs: DF.reduce_scatter(xs[0], xs, dist.ReduceOp.AVG), size)
adjoint("all_to_all", lambda *xs: DF.all_to_all(xs, xs), size)

# f and g: all ranks compute one loss. The forward of each is the backward of the other.
shared = np.random.default_rng(1)
x = mg.tensor(shared.standard_normal((4, 2 * size)), requires_grad=True)
factors = shared.standard_normal(2 * size)
weigh = mg.tensor(factors)
(DF.join_ranks(DF.slice_of_rank(x) * DF.slice_of_rank(weigh)) ** 2).sum().backward()
np.testing.assert_allclose(x.grad.array, 2 * x.array * factors**2, rtol=1e-12)

x.grad = None
mine = mg.tensor(shared.standard_normal((size, 4, 2 * size))[rank], requires_grad=True)
loss = (DF.sum_over_ranks(DF.copy_to_ranks(x) * mine) ** 2).sum()
trace = mg.inspect.trace(loss)
every = np.random.default_rng(1)
values = (
    every.standard_normal((4, 2 * size)),
    every.standard_normal(2 * size),
    every.standard_normal((size, 4, 2 * size)),
)
whole = mg.tensor(values[0], requires_grad=True)
parts = [mg.tensor(part, requires_grad=True) for part in values[2]]
(sum(whole * part for part in parts) ** 2).sum().backward()
np.testing.assert_allclose(x.grad.array, whole.grad.array, rtol=1e-12)
np.testing.assert_allclose(mine.grad.array, parts[rank].grad.array, rtol=1e-12)

# The laws, seen in the trace: g hands its gradient on as it is, f sums that of all ranks.
steps = {type(step.node).__name__: step for step in trace}
g, f = steps["SumOverRanks"], steps["CopyToRanks"]
assert (g.node.law, f.node.law) == ("reduces", "broadcasts")
np.testing.assert_array_equal(g.grad_inputs[0], g.grad_outputs[0])
summed = mg.tensor(f.grad_outputs[0])
dist.all_reduce(summed)
np.testing.assert_array_equal(f.grad_inputs[0], summed.array)

dist.destroy_process_group()
print("whole")
