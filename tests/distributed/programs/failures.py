"""What goes wrong between ranks, one scenario a run; started by mpiexec."""

import os
import signal
import sys
import time
from datetime import timedelta

import minigrad as mg
import minigrad.distributed as dist
from minigrad import inspect, nn
from minigrad.distributed.pipelining import PipelineStage, ScheduleGPipe
from minigrad.engine import Node
from minigrad.nn.parallel import DistributedDataParallel as DDP


def exception():
    if rank == size - 1:
        raise ValueError("this rank's own trouble")
    dist.all_reduce(mg.ones(3))


def killed():
    if rank == size - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(mg.ones(3))


def both_send_first():
    """Works while the tensor is small, unless the debug level is DETAIL; hangs when it is large."""
    out, into = mg.ones(elements), mg.zeros(elements)
    other = rank ^ 1
    if other < size:
        dist.send(out, other)  # the line that both wait in
        dist.recv(into, other)


def one_sends_first():
    out, into = mg.ones(elements), mg.zeros(elements)
    other = rank ^ 1
    for turn in (0, 1):
        if other < size and rank % 2 == turn:
            dist.send(out, other)
        elif other < size:
            dist.recv(into, other)


def order_of_collectives():
    x = mg.ones(3)
    if rank == 0:
        dist.broadcast(x, 0)  # this rank broadcasts
        dist.all_reduce(x)
    else:
        dist.all_reduce(x)  # and these reduce
        dist.broadcast(x, 0)


def shapes_of_collectives():
    dist.all_reduce(mg.ones(3 + rank))


def dtypes_of_collectives():
    work = dist.all_reduce(mg.ones(3, dtype=mg.float32 if rank else mg.int32), async_op=elements == 1)
    if work is not None:
        work.wait()


def collective_against_send():
    if rank == 0:
        dist.recv(mg.ones(3), 1)
    else:
        dist.all_reduce(mg.ones(3))


def unequal_batches():
    """Without join(): one rank has a batch more than the others."""
    model = DDP(nn.Linear(2, 1))
    for _ in range(3 if rank == 0 else 2):
        model(mg.ones(4, 2)).sum().backward()


def late():
    if rank == 0:
        time.sleep(4)
    dist.barrier()


def wrong_size():
    if rank == 0:
        dist.send(mg.ones(4), 1)
    elif rank == 1:
        dist.recv(mg.ones(8 if elements else 2), 0)
    dist.barrier()


def ends_early():
    """A rank that calls sys.exit() while the others wait for it."""
    if rank == size - 1:
        sys.exit(3)
    dist.all_reduce(mg.ones(3))


class Rough(Node):
    """Keeps what no other process can have."""

    def forward(self, x):
        self.rule = lambda g: g
        return x * 1

    def backward(self, g):
        return self.rule(g)


class RoughPart(nn.Linear):
    def forward(self, x):
        return Rough()(super().forward(x))  # the line that made it


def cannot_be_sent():
    schedule = ScheduleGPipe(PipelineStage(RoughPart(2, 2), rank, size), 1, nn.functional.mse_loss)
    inspect.pipeline_receipt(schedule, *([mg.ones(1, 2)] if rank == 0 else []), target=mg.ones(1, 2))


def gradient_path():
    w = mg.ones(3, requires_grad=True)
    dist.all_reduce(w * 2)


scenario = sys.argv[1]
elements = int(sys.argv[2]) if len(sys.argv) > 2 else 0
dist.init_process_group("mpi", timeout=timedelta(seconds=1 if scenario in ("late", "ends_early") else 60))
rank, size = dist.get_rank(), dist.get_world_size()
globals()[scenario]()
dist.destroy_process_group()
print("whole")
