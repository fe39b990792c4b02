"""Every collective against NumPy, on any number of ranks; run by mpiexec."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad.distributed import ReduceOp

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
everyones = [np.random.default_rng(r).standard_normal((3, 2)) for r in range(size)]
mine = everyones[rank]


def same(tensor, expected):
    np.testing.assert_allclose(tensor.array, expected, rtol=1e-14, atol=1e-14)


for op, rule in ((ReduceOp.SUM, np.sum), (ReduceOp.PRODUCT, np.prod), (ReduceOp.MAX, np.max), (ReduceOp.MIN, np.min)):
    x = mg.tensor(mine)
    assert dist.all_reduce(x, op) is None
    same(x, rule(everyones, axis=0))
x = mg.tensor(mine)
dist.all_reduce(x, ReduceOp.AVG)
same(x, np.mean(everyones, axis=0))

# All ranks get the same bits.
every = [None] * size
dist.all_gather_object(every, x.array.tobytes())
assert len(set(every)) == 1

# A tensor that lies otherwise in memory, other dtypes, no dimensions, no elements.
x = mg.tensor(mine)
view = mg.from_numpy(x.array.T)
dist.all_reduce(view)
same(x, np.sum(everyones, axis=0))
for dtype in (np.float16, np.float32, np.int8, np.int64, np.uint8):
    x = mg.tensor(np.full((2, 2), rank + 1, dtype))
    dist.all_reduce(x)
    assert x.dtype == dtype
    assert (x.array == size * (size + 1) // 2).all()
x = mg.tensor(float(rank))
dist.all_reduce(x)
assert x.item() == sum(range(size))
dist.all_reduce(mg.zeros(0))
x = mg.tensor([rank == 0, False])
dist.all_reduce(x, ReduceOp.BOR)
assert x.tolist() == [True, False]
assert x.dtype == mg.bool
x = mg.tensor([rank == 1, True])
dist.broadcast(x, 1 % size)
assert x.tolist() == [size > 1 or rank == 1, True]

last = size - 1
x = mg.tensor(mine)
dist.broadcast(x, last)
same(x, everyones[last])
x = mg.tensor(mine)
dist.reduce(x, dst=last)
same(x, np.sum(everyones, axis=0) if rank == last else mine)

parts = [mg.zeros(3, 2, dtype=mg.float64) for _ in range(size)]
dist.all_gather(parts, mg.tensor(mine))
for part, expected in zip(parts, everyones, strict=True):
    same(part, expected)
for shape in ((size, 3, 2), (size * 3, 2)):
    whole = mg.zeros(*shape, dtype=mg.float64)
    dist.all_gather_into_tensor(whole, mg.tensor(mine))
    same(whole, np.reshape(everyones, shape))
parts = [mg.zeros(3, 2, dtype=mg.float64) for _ in range(size)] if rank == 0 else None
dist.gather(mg.tensor(mine), parts, dst=0)
if rank == 0:
    for part, expected in zip(parts, everyones, strict=True):
        same(part, expected)
x = mg.zeros(2, dtype=mg.float64)
rows = [mg.tensor(everyones[last][0] * r) for r in range(size)] if rank == last else None
dist.scatter(x, rows, src=last)
same(x, everyones[last][0] * rank)
x = mg.zeros(3, 2, dtype=mg.float64)
dist.reduce_scatter(x, [mg.tensor(mine * (r + 1)) for r in range(size)])
same(x, np.sum(everyones, axis=0) * (rank + 1))
whole = mg.tensor(np.concatenate([mine * (r + 1) for r in range(size)]))
dist.reduce_scatter_tensor(x, whole, ReduceOp.AVG)
same(x, np.mean(everyones, axis=0) * (rank + 1))
got = [mg.zeros(3, 2, dtype=mg.float64) for _ in range(size)]
dist.all_to_all(got, [mg.tensor(mine * (r + 1)) for r in range(size)])
for r in range(size):
    same(got[r], everyones[r] * (rank + 1))

# No dimensions, booleans, other orders in memory.
parts = [mg.tensor(0.0) for _ in range(size)]
dist.all_gather(parts, mg.tensor(float(rank)))
assert [p.item() for p in parts] == list(range(size))
dist.all_to_all(parts, [mg.tensor(float(10 * rank + r)) for r in range(size)])
assert [p.item() for p in parts] == [10.0 * r + rank for r in range(size)]
parts = [mg.tensor([False, False]) for _ in range(size)]
dist.all_gather(parts, mg.tensor([rank == 0, True]))
assert [p.tolist() for p in parts] == [[r == 0, True] for r in range(size)]
whole = mg.zeros(size)
dist.all_gather_into_tensor(whole, mg.tensor(float(rank)))
assert whole.tolist() == list(range(size))
parts = [mg.from_numpy(np.zeros((2, 3)).T) for _ in range(size)]
dist.all_gather(parts, mg.from_numpy(np.asfortranarray(mine)))
for part, expected in zip(parts, everyones, strict=True):
    same(part, expected)

# What is not defined, or doesn't fit, is refused before anybody waits.
for wrong, error in (
    (lambda: dist.all_reduce(mg.tensor([1, 2]), ReduceOp.AVG), TypeError),
    (lambda: dist.all_reduce(mg.tensor([True])), TypeError),
    (lambda: dist.all_reduce(mg.ones(2), ReduceOp.BAND), TypeError),
    (lambda: dist.all_reduce(mine), TypeError),
    (lambda: dist.broadcast(mg.ones(2), size), ValueError),
    (lambda: dist.broadcast(mg.ones(2)), ValueError),
    (lambda: dist.all_gather([mg.ones(2)] * (size + 1), mg.ones(2)), ValueError),
    (lambda: dist.all_gather([mg.ones(3)] * size, mg.ones(2)), ValueError),
    (lambda: dist.all_gather_into_tensor(mg.ones(size * 3), mg.ones(2)), ValueError),
    (lambda: dist.send(mg.ones(2), rank), ValueError),
    (lambda: dist.new_group([0, 0]), ValueError),
    (lambda: dist.init_process_group("mpi"), RuntimeError),
):
    with pytest.raises(error):
        wrong()

# A write that a backward would have needed to know of is noticed.
w = mg.tensor([2.0], requires_grad=True)
y = w * 3
z = (y * y).sum()
with mg.no_grad():
    dist.all_reduce(y)
with pytest.raises(mg.DataChangedError, match="by an inplace operation|changed"):
    z.backward()

# Under way while this rank computes.
x = mg.tensor(mine)
work = dist.all_reduce(x, async_op=True)
assert work.wait() is True
assert work.is_completed()
same(x, np.sum(everyones, axis=0))
dist.barrier()

# Objects.
things = [{"a": rank}, None] if rank == 0 else [None, None]
dist.broadcast_object_list(things, src=0)
assert things == [{"a": 0}, None]
gathered = [None] * size if rank == last else None
dist.gather_object("x" * rank, gathered, dst=last)
assert rank != last or gathered == ["x" * r for r in range(size)]

# From rank to rank, round a ring.
if size > 1:
    ahead, behind = (rank + 1) % size, (rank - 1) % size
    x, y = mg.tensor(mine), mg.zeros(3, 2, dtype=mg.float64)
    work = dist.isend(x, ahead, tag=3)
    assert dist.recv(y, behind, tag=3) == behind
    work.wait()
    same(y, everyones[behind])
    if rank == 0:
        for _ in range(size - 1):
            seen = mg.zeros(1)
            assert dist.recv(seen) == seen.item()
    else:
        dist.send(mg.tensor([float(rank)]), 0)

# Groups: even ranks, and the last alone.
even = dist.new_group(range(0, size, 2))
if rank % 2:
    assert even is None
else:
    x = mg.tensor([float(rank)])
    dist.all_reduce(x, group=even)
    assert x.item() == sum(range(0, size, 2))
    assert dist.get_world_size(even) == (size + 1) // 2
    assert dist.get_rank(even) == rank // 2
    x = mg.tensor([float(rank)])
    dist.broadcast(x, 0, group=even)
    assert x.item() == 0
alone = dist.new_group([last])
assert (alone is None) == (rank != last)

dist.destroy_process_group()
assert not dist.is_initialized()
print("whole")
