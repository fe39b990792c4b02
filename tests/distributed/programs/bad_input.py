"""What makes no sense is refused on every rank, with the argument's name, before anybody waits; run by mpiexec."""

from datetime import timedelta

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed import ReduceOp
from minigrad.distributed import tensor_parallel as tp
from minigrad.distributed.nn import functional as DF
from minigrad.distributed.pipelining import PipelineStage, ScheduleGPipe
from minigrad.nn.parallel import DistributedDataParallel as DDP
from minigrad.utils.data.distributed import DistributedSampler

with pytest.raises(TypeError, match="init_process_group: timeout must be a datetime.timedelta"):
    dist.init_process_group("mpi", timeout=3)
for _ in range(2):  # a group can be made again after it was destroyed
    dist.init_process_group("mpi", timeout=timedelta(seconds=20))
    dist.destroy_process_group()
    with pytest.raises(ValueError, match="has not been initialized"):
        dist.barrier()
dist.init_process_group("mpi", timeout=timedelta(seconds=20))
rank, size = dist.get_rank(), dist.get_world_size()
other = (rank + 1) % size
x, whole = mg.ones(3), mg.tensor([1, 2, 3])
each = [mg.zeros(3) for _ in range(size)]
linear = nn.Linear(2, 2)

for wrong, error, words in (
    (lambda: dist.broadcast(x, -1), ValueError, r"broadcast: src=-1 is none of the group's ranks, \[0, 1"),
    (lambda: dist.broadcast(x, 0.5), ValueError, "src=0.5"),
    (lambda: dist.broadcast(x, group_src="0"), ValueError, "group_src='0'"),
    (lambda: dist.reduce(x, size), ValueError, f"dst={size}"),
    (lambda: dist.gather(x, each, dst=-1), ValueError, "dst=-1"),
    (lambda: dist.send(x, -1), ValueError, "send: dst=-1"),
    (lambda: dist.send(x, other, tag=-1), ValueError, "send: tag must be an integer from 0 to .* and is -1"),
    (lambda: dist.recv(x, other, tag="a"), TypeError, "recv: tag must be an integer from 0 to .* and is 'a'"),
    (lambda: dist.recv(x, rank), ValueError, "a rank can't receive from itself"),
    (lambda: dist.isend(np.ones(3), other), TypeError, "send: it takes tensors, not ndarray"),
    (lambda: dist.all_reduce(x, "sum"), TypeError, "op must be a ReduceOp, such as ReduceOp.SUM, not 'sum'"),
    (lambda: dist.all_reduce(whole, ReduceOp.AVG), TypeError, "AVG is not defined for int64"),
    (lambda: dist.all_reduce(x, group=3), TypeError, r"what new_group\(\) gave, or None for all ranks, not 3"),
    (lambda: dist.all_reduce(x, async_op=False, group="all"), TypeError, "not 'all'"),
    (lambda: dist.get_rank("x"), TypeError, "not 'x'"),
    (lambda: dist.get_global_rank(None, -1), ValueError, "group_rank must be .* and is -1"),
    (lambda: dist.get_group_rank(None, size), ValueError, f"rank {size} is not in this group"),
    (lambda: dist.all_gather(None, x), TypeError, "tensor_list must be a list of tensors"),
    (lambda: dist.all_gather([whole] * size, x), ValueError, "int64, where another has"),
    (lambda: dist.all_gather_into_tensor(mg.zeros(3 * size).double(), x), ValueError, "float64, the other float32"),
    (lambda: dist.reduce_scatter_tensor(mg.zeros(3), mg.zeros(4)), ValueError, "parts of shape"),
    (lambda: dist.all_to_all([], []), ValueError, "0 tensors for"),
    (lambda: dist.all_to_all(None, None), TypeError, "output_tensor_list must be a list"),
    (lambda: dist.new_group(0), ValueError, "ranks=0 must be different numbers"),
    (lambda: dist.new_group([0, -1]), ValueError, r"ranks=\[0, -1\]"),
    (lambda: dist.new_group([0.0]), ValueError, r"ranks=\[0.0\]"),
    (lambda: dist.new_group([0], timeout=3), TypeError, "new_group: timeout"),
    (lambda: dist.broadcast_object_list(3), TypeError, "it takes a list, which it fills, not int"),
    (lambda: dist.all_gather_object(None, 3), ValueError, f"a list with {size} places"),
    (lambda: dist.all_gather_object([None] * size, lambda: 3), TypeError, "objects travel pickled, and this one can't"),
    (lambda: DF.all_reduce(None), TypeError, "all_reduce: each value must be a tensor, and is None"),
    (lambda: DF.all_reduce(x, "sum"), TypeError, "op must be ReduceOp.SUM or ReduceOp.AVG"),
    (lambda: DF.all_reduce(x, ReduceOp.MAX), NotImplementedError, "has no gradient"),
    (lambda: DF.broadcast(x, -1), ValueError, "broadcast: src=-1"),
    (lambda: DF.slice_of_rank(mg.tensor(2.0)), mg.OperationError, "a number has no dimension"),
    (lambda: DF.join_ranks(x, 3), IndexError, "dimension out of range: 3"),
    (lambda: DF.scatter(None), TypeError, "a list of tensors, one for each rank"),
    (lambda: DDP(None), TypeError, "module must be an nn.Module, not NoneType"),
    (lambda: DDP(linear, bucket_cap_mb=-1), ValueError, "bucket_cap_mb must be a number .* and is -1"),
    (lambda: DDP(linear, process_group=4), TypeError, "not 4"),
    (lambda: nn.SyncBatchNorm(3)(mg.tensor([[1, 2, 3]])), mg.OperationError, "takes floating-point values, not int64"),
    (lambda: nn.SyncBatchNorm(3)(None), TypeError, "SyncBatchNorm takes a tensor, not NoneType"),
    (lambda: nn.SyncBatchNorm(3)(mg.zeros(0, 3)), mg.OperationError, "more than one value per channel"),
    (lambda: nn.SyncBatchNorm.convert_sync_batchnorm(None), TypeError, "it takes an nn.Module"),
    (lambda: DistributedSampler(None), TypeError, "must have a length, and a NoneType has none"),
    (lambda: DistributedSampler(range(4), num_replicas=0), ValueError, "num_replicas must be .* and is 0"),
    (lambda: DistributedSampler(range(4), num_replicas=2.5), TypeError, "num_replicas must be .* and is 2.5"),
    (lambda: PipelineStage(linear, -1, size), ValueError, "stage -1 is on rank"),
    (lambda: PipelineStage(None, rank, size), TypeError, "submodule must be an nn.Module"),
    (lambda: ScheduleGPipe(None, 1), TypeError, "this rank's PipelineStage, not NoneType"),
    (lambda: ScheduleGPipe(PipelineStage(linear, rank, size), 1.5), TypeError, "n_microbatches must be .* and is 1.5"),
    (lambda: ScheduleGPipe(PipelineStage(linear, rank, size), 1, 3), TypeError, "loss_fn must be"),
    (lambda: tp.ColumnParallelLinear(4, size + 1), ValueError, "can't be split equally"),
    (lambda: tp.ColumnParallelLinear.from_linear(None), TypeError, "it takes an nn.Linear, not NoneType"),
    (lambda: tp.HeadParallelAttention(linear), TypeError, "it takes an nn.MultiheadAttention, not Linear"),
    (lambda: tp.full_state_dict(None), TypeError, "it takes an nn.Module"),
    (lambda: tp.clip_grad_norm_(None, 1.0), TypeError, "parameters must be tensors, not None"),
    (lambda: tp.clip_grad_norm_([x], 1.0, norm_type=0), ValueError, "norm_type is a number above 0"),
    (lambda: dist.all_reduce(x, async_op=True).wait(3), TypeError, "wait: timeout must be a datetime.timedelta"),
):
    with pytest.raises(error, match=words):
        wrong()

# What is unusual and makes sense: nothing, a number, memory in other orders, another float.
empty = mg.zeros(0, 2)
dist.all_reduce(empty)
assert empty.shape == (0, 2)
number = mg.tensor(2.0)
dist.all_reduce(number)
assert number.item() == 2 * size
base = mg.ones(4, 6)
dist.all_reduce(base[:, ::2])
assert base.tolist() == [[size, 1] * 3] * 4
small = mg.ones(2).to(mg.float16)
dist.all_reduce(small)
assert small.tolist() == [size, size]
out = mg.zeros(2, 3 * size)
dist.all_gather_into_tensor(out.t(), mg.ones(3, 2) * rank)
assert out.t().tolist() == [[r, r] for r in range(size) for _ in range(3)]

dist.destroy_process_group()
print("whole")
