"""What is seen of a net in stages against what is seen of the whole net; run by mpiexec."""

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import inspect, nn
from minigrad.distributed.pipelining import PipelineStage, ScheduleGPipe
from minigrad.nn import functional as F

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()


class Part(nn.Module):
    """Some residual blocks; the whole input goes along over all borders, and with ``joins`` is added at the end."""

    def __init__(self, index, joins=False):
        super().__init__()
        self.index, self.joins = index, joins
        self.blocks = nn.Sequential(
            *(nn.Residual(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4))) for _ in range(2))
        )

    def forward(self, h, skip=None):
        y = self.blocks(h)
        skip = h if skip is None else skip
        if self.index < size - 1:
            return y, skip
        return mg.skip.residual_add(skip, y) if self.joins else y * 0.5


mg.manual_seed(1)
parts = [Part(i).double() for i in range(size)]
x = mg.tensor(np.random.default_rng(0).standard_normal((6, 4)), requires_grad=True)
t = mg.tensor(np.random.default_rng(1).integers(0, 4, 6))


def whole_loss():
    carried = (x,)
    for part in parts:
        out = part(*carried)
        carried = out if isinstance(out, tuple) else (out,)
    return F.cross_entropy(carried[0], t)


last = rank == size - 1
stage = PipelineStage(parts[rank], rank, size)
schedule = ScheduleGPipe(stage, 1, F.cross_entropy)
staged = inspect.pipeline_trace(schedule, *([x] if rank == 0 else []), target=t if last else None)
paths = inspect.pipeline_path_lengths(
    stage, *([x] if rank == 0 else []), loss=(lambda y: F.cross_entropy(y, t)) if last else None
)
assert (staged is None) == (paths is None) == (rank != 0)

if rank == 0:
    whole = inspect.trace(whole_loss())
    inner = [step for step in staged.steps if not step.border]
    kinds = [type(step.node).__name__ for step in whole]
    assert [step.kind for step in inner] == kinds, ([step.kind for step in inner], kinds)
    np.testing.assert_allclose([step.norm for step in inner], [step.norm for step in whole], rtol=1e-12)
    assert [s.rank for s in staged.steps] == sorted((s.rank for s in staged.steps), reverse=True)
    assert sum(step.border for step in staged.steps) == 2 * (size - 1)

    rows = whole.ledger().to_dict()
    assert len(staged.ledger) == len(rows) == 2 * size
    for found, expected in zip(staged.ledger, rows, strict=True):
        for name, value in expected.items():
            if isinstance(value, float):
                np.testing.assert_allclose(found[name], value, rtol=1e-11, err_msg=name)
    assert "SendOn" in str(staged.table()) or size == 1

    one = inspect.path_lengths(whole_loss(), wrt=x)
    assert paths.counts == one.counts
    assert len(paths.blocks) == len(one.blocks)
    for found, expected in zip(paths.gradients, one.gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-15)
    assert paths.label == ""

# A skip that crosses a border: the gradient is whole, and both say that no rank sees its fork and its join.
crossing = PipelineStage(Part(rank, joins=True).double(), rank, size)
step = ScheduleGPipe(crossing, 1, F.cross_entropy)
first = [x] if rank == 0 else []
staged = inspect.pipeline_trace(step, *first, target=t if last else None)
paths = inspect.pipeline_path_lengths(crossing, *first, loss=(lambda y: F.cross_entropy(y, t)) if last else None)
if rank == 0 and size > 1:
    assert staged.apart > 0
    assert "no partner on their rank" in str(staged.table())
    assert "no partner on their rank" in paths.label

dist.destroy_process_group()
print("whole")
