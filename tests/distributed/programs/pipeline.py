"""A net on several ranks as stages, with skips over the borders, against the whole net; run by mpiexec."""

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe, gather_timeline
from minigrad.nn import functional as F

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
WIDTH = 6


class Part(nn.Module):
    """A stage of a small U-Net: the first keeps what the last concatenates, all others hand it on."""

    def __init__(self, index):
        super().__init__()
        self.index = index
        self.block = nn.Residual(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh()))
        if index == size - 1:
            self.head = nn.Linear(2 * WIDTH, 3)

    def forward(self, h, skip=None, label=None):
        y = self.block(h)
        if skip is None:  # the first: its input is the long skip; an integer that needs no gradient goes along
            skip, label = h * 2, mg.tensor([1])
        if self.index < size - 1:
            return y, skip, label
        return self.head(mg.skip.skip_concat(skip, y, dim=1)) * label


mg.manual_seed(0)
parts = [Part(i).double() for i in range(size)]
whole_x = mg.tensor(np.random.default_rng(0).standard_normal((12, WIDTH)))
target = mg.tensor(np.random.default_rng(1).integers(0, 3, 12))


def whole(x):
    carried = (x,)
    for part in parts:
        out = part(*carried)
        carried = out if isinstance(out, tuple) else (out,)
    return carried[0]


output = whole(whole_x)
loss = F.cross_entropy(output, target)
loss.backward()
expected = {name: p.grad.array.copy() for name, p in parts[rank].named_parameters()}

for schedule_class in (ScheduleGPipe, Schedule1F1B):
    for microbatches in (1, 2, 4, 12):
        mg.manual_seed(0)
        mine = [Part(i).double() for i in range(size)][rank]
        stage = PipelineStage(mine, rank, size, "cpu")
        schedule = schedule_class(stage, microbatches, F.cross_entropy)
        losses = []
        found = schedule.step(
            *([whole_x] if rank == 0 else []), target=target if rank == size - 1 else None, losses=losses
        )
        for name, p in mine.named_parameters():
            np.testing.assert_allclose(p.grad.array, expected[name], rtol=1e-11, atol=1e-13, err_msg=name)
        if rank == size - 1:
            np.testing.assert_allclose(found.array, output.array, rtol=1e-12)
            np.testing.assert_allclose(np.mean([x.item() for x in losses]), loss.item(), rtol=1e-12)
        else:
            assert found is None
            assert losses == []
        # Memory: GPipe keeps all micro-batches, 1F1B as many as there are stages from here on.
        kept = microbatches if schedule_class is ScheduleGPipe else min(microbatches, size - rank)
        assert stage.most_kept == kept, (stage.most_kept, kept)
        events = gather_timeline(schedule.events)
        assert (
            sum(e.kind == "forward" for e in events) == sum(e.kind == "backward" for e in events) == size * microbatches
        )


class Odd(nn.Module):
    """A stage that learns nothing, or whose output doesn't depend on what it takes over."""

    def __init__(self, frozen, deaf):
        super().__init__()
        self.own = nn.Linear(WIDTH, WIDTH).requires_grad_(not frozen)
        self.deaf = deaf

    def forward(self, h):
        return self.own(h.detach() if self.deaf else h)


def odd_parts(frozen, deaf):
    mg.manual_seed(2)
    return [Odd(i == frozen, i == deaf).double() for i in range(size)]


# Nobody waits for a gradient that never comes: the first stage is frozen, or the last one deaf, or it is both.
for frozen, deaf in ((0, None), (None, size - 1), (size - 1, size - 1)):
    loss = F.cross_entropy(nn.Sequential(*(parts := odd_parts(frozen, deaf)))(whole_x), target)
    if loss.requires_grad:
        loss.backward()
    expected = parts[rank].own.weight.grad
    for schedule_class in (ScheduleGPipe, Schedule1F1B):
        mine = odd_parts(frozen, deaf)[rank]
        odd = schedule_class(PipelineStage(mine, rank, size), 2, F.cross_entropy)
        odd.step(*([whole_x] if rank == 0 else []), target=target if rank == size - 1 else None)
        found = mine.own.weight.grad
        if expected is None:  # a stage before a deaf one gets zeros
            assert found is None or not found.array.any()
        else:
            np.testing.assert_allclose(found.array, expected.array, rtol=1e-11, atol=1e-13)

again = schedule.eval(*([whole_x] if rank == 0 else []))
if rank == size - 1:
    np.testing.assert_allclose(again.array, output.array, rtol=1e-12)

dist.destroy_process_group()
print("whole")
