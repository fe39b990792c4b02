"""Layers divided among ranks against the whole ones; run by mpiexec."""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.tensor_parallel import (
    ColumnParallelLinear,
    HeadParallelAttention,
    RowParallelLinear,
    clip_grad_norm_,
    full_state_dict,
)

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
WIDTH = 12  # divides by 1, 2, 3 and 4


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def shared(*shape):
    return mg.tensor(np.random.default_rng(sum(shape)).standard_normal(shape), requires_grad=True)


# A block of a column- and a row-parallel layer: one f, one g, and the net of one process.
mg.manual_seed(3)
up, down = nn.Linear(5, WIDTH).double(), nn.Linear(WIDTH, 5).double()
x = shared(4, 5)
loss = (down(up(x).tanh()) + x).square().mean()
loss.backward()
expected_x = x.grad.array.copy()

mg.manual_seed(3)
column = ColumnParallelLinear(5, WIDTH, gather_output=False).double()
row = RowParallelLinear(WIDTH, 5, input_is_parallel=True).double()
x.grad = None
y = row(column(x).tanh()) + x
close(y.square().mean().item(), loss.item())
trace = mg.inspect.trace(y.square().mean())
kinds = [type(step.node).__name__ for step in trace]
assert (kinds.count("CopyToRanks"), kinds.count("SumOverRanks")) == (1, 1)
close(x.grad.array, expected_x)
part = slice(rank * WIDTH // size, (rank + 1) * WIDTH // size)
close(column.weight.grad.array, up.weight.grad.array[part])
close(column.bias.grad.array, up.bias.grad.array[part])
close(row.weight.grad.array, down.weight.grad.array[:, part])
close(row.bias.grad.array, down.bias.grad.array)

# The norm of all gradients counts each slice, and what all ranks have once.
whole = nn.utils.clip_grad_norm_([*up.parameters(), *down.parameters()], 0.01).item()
close(clip_grad_norm_([*column.parameters(), *row.parameters()], 0.01).item(), whole)
close(row.weight.grad.array, down.weight.grad.array[:, part])
biggest = max(np.abs(p.grad.array).max() for p in (*up.parameters(), *down.parameters()))
close(clip_grad_norm_([*column.parameters(), *row.parameters()], 9, float("inf")).item(), biggest)

# Each alone, with what it gathers or slices itself.
for whole, layer in (
    (up, ColumnParallelLinear.from_linear(up)),
    (down, RowParallelLinear.from_linear(down)),
):
    x = shared(4, whole.in_features)
    weights = shared(4, whole.out_features).detach()
    (whole(x).sin() * weights).sum().backward()
    expected_x = x.grad.array.copy()
    x.grad = None
    (layer(x).sin() * weights).sum().backward()
    close(x.grad.array, expected_x)

# Attention, head by head.
attention = nn.MultiheadAttention(WIDTH * 2, WIDTH, batch_first=True).double()
heads = HeadParallelAttention(attention)
x = shared(2, 7, WIDTH * 2)
causal = mg.tensor(np.triu(np.ones((7, 7), bool), 1))
expected, _ = attention(x, x, x, attn_mask=causal, need_weights=False)
expected.sin().sum().backward()
expected_x = x.grad.array.copy()
x.grad = None
found = heads(x, is_causal=True)
close(found.array, expected.array)
found.sin().sum().backward()
close(x.grad.array, expected_x)
mine = slice(rank * 2 * WIDTH // size, (rank + 1) * 2 * WIDTH // size)
close(heads.q_weight.grad.array, attention.in_proj_weight.grad.array[: 2 * WIDTH][mine])
close(heads.v_bias.grad.array, attention.in_proj_bias.grad.array[4 * WIDTH :][mine])
close(heads.out_proj.weight.grad.array, attention.out_proj.weight.grad.array[:, mine])

# One file for any number of ranks.
state = full_state_dict(column)
close(state["weight"].array, up.weight.array)
path = Path(sys.argv[1]) / "column.safetensors"
if rank == 0:
    mg.save(state, path)
dist.barrier()
loaded = nn.Linear(5, WIDTH).double()
loaded.load_state_dict(mg.load(path))
again = ColumnParallelLinear.from_linear(loaded)
assert (again.weight.array == column.weight.array).all()

dist.destroy_process_group()
print("whole")
