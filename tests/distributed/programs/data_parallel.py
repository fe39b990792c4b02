"""DistributedDataParallel against one process on the whole batch; run by mpiexec."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.nn.parallel import DistributedDataParallel as DDP
from minigrad.utils.data.distributed import DistributedSampler

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
BATCH = 12 * size


class Net(nn.Module):
    def __init__(self, norm=None):
        super().__init__()
        self.stem = nn.Linear(5, 8)
        self.block = nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8)))
        self.norm = norm or nn.Identity()
        self.head = nn.Linear(8, 3)
        self.extra = nn.Linear(8, 3)
        self.tied = self.stem

    def forward(self, x, extra=True):
        h = self.norm(self.block(self.tied(x)))
        return self.head(h) + (self.extra(h) if extra else 0)


def net(seed, **options):
    mg.manual_seed(seed)
    return Net(**options).double()


def batch(seed=0, rows=BATCH):
    rng = np.random.default_rng(seed)
    return mg.tensor(rng.standard_normal((rows, 5))), mg.tensor(rng.integers(0, 3, rows))


def gradients(model):
    return {name: p.grad.array.copy() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(found, expected, tolerance=1e-12):
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


x, t = batch()
whole = net(0)
F.cross_entropy(whole(x), t).backward()
expected = gradients(whole)
shard = slice(12 * rank, 12 * (rank + 1))

# Any bucket size; the ranks' own parameters differ before the first broadcast.
for cap in (None, 0.0001, 0.0005, 25):
    for views in (False, True):
        ddp = DDP(net(rank), bucket_cap_mb=cap, gradient_as_bucket_view=views)
        for _ in range(2):
            ddp.zero_grad()
            F.cross_entropy(ddp(x[shard]), t[shard]).backward()
            assert_same(gradients(ddp.module), expected)
assert all(name.startswith("module.") for name in ddp.state_dict())

# A pass that is watched sums as well; one with a graph of the gradient can't, and says so.
ddp.zero_grad()
mg.inspect.trace(F.cross_entropy(ddp(x[shard]), t[shard]))
assert_same(gradients(ddp.module), expected)
ddp.zero_grad()
for _ in mg.backward_steps(F.cross_entropy(ddp(x[shard]), t[shard])):
    pass
assert_same(gradients(ddp.module), expected)
with pytest.raises(dist.DistError, match="has a graph, which the sum over the ranks would lose"):
    F.cross_entropy(DDP(net(0))(x[shard]), t[shard]).backward(create_graph=True)

# All ranks have the same bits.
every = [None] * size
dist.all_gather_object(every, {k: v.tobytes() for k, v in gradients(ddp.module).items()})
assert all(one == every[0] for one in every)

# What a rule reads and the ranks overwrote raises: parameters of another rank's, and gradients of the pass before.
model = net(rank)
loss = F.cross_entropy(model(x[shard]), t[shard])
DDP(model)
if rank == 0:
    loss.backward()
else:
    with pytest.raises(mg.DataChangedError):
        loss.backward()
for views in (False, True):
    ddp = DDP(net(0), gradient_as_bucket_view=views)
    F.cross_entropy(ddp(x[shard]), t[shard]).backward()
    weight = next(ddp.parameters())
    penalty = (mg.ones(*weight.shape, requires_grad=True) * weight.grad).sum()
    ddp.zero_grad(set_to_none=views)
    F.cross_entropy(ddp(x[shard]), t[shard]).backward()
    with pytest.raises(mg.DataChangedError):
        penalty.backward()


# A buffer that a rule reads is the same on all ranks, so two forwards before one backward may read it.
class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.register_buffer("mask", mg.tensor([1.0, 0.0, 1.0, 0.0]))

    def forward(self, x):
        return self.norm(self.fc(x)) * self.mask


ddp = DDP(Masked())
(ddp(mg.randn(5, 4)) * ddp(mg.randn(5, 4))).sum().backward()

# Unequal shards: weights by size are right, the plain mean is not.
edges = [BATCH * r * (r + 1) // (size * (size + 1)) for r in range(size + 1)]
mine = slice(edges[rank], edges[rank + 1])
for weigh in (True, False):
    ddp = DDP(net(0), weigh_by_samples=weigh)
    F.cross_entropy(ddp(x[mine]), t[mine]).backward()
    found = gradients(ddp.module)
    wrong = np.linalg.norm(found["head.weight"] - expected["head.weight"]) / np.linalg.norm(expected["head.weight"])
    if weigh:
        assert_same(found, expected)
    elif size > 1:
        assert wrong > 0.01, wrong

# Gradients that add up without a sum over ranks, and then are summed.
ddp = DDP(net(0))
with ddp.no_sync():
    (F.cross_entropy(ddp(x[shard][:6]), t[shard][:6]) / 2).backward()
(F.cross_entropy(ddp(x[shard][6:]), t[shard][6:]) / 2).backward()
assert_same(gradients(ddp.module), expected)

# A parameter that one rank doesn't use, and one that none uses.
ddp = DDP(net(0), find_unused_parameters=True)
F.cross_entropy(ddp(x[shard], extra=rank == 0), t[shard]).backward()
found = gradients(ddp.module)
assert "extra.weight" in found
ddp.zero_grad()
F.cross_entropy(ddp(x[shard], extra=False), t[shard]).backward()
assert ddp.module.extra.weight.grad is None
bare = net(0)
F.cross_entropy(bare(x, extra=False), t).backward()
assert_same(gradients(ddp.module), gradients(bare))

# Without the switch the error names parameter, rank and remedy.
ddp = DDP(net(0))
F.cross_entropy(ddp(x[shard], extra=False), t[shard]).backward()
with pytest.raises(RuntimeError, match=rf"on rank {rank} .*extra.bias, extra.weight.*find_unused_parameters=True"):
    ddp(x[shard])

# Models that differ.
if size > 1:
    with pytest.raises(RuntimeError, match="on rank 1 the model has weight of shape"):
        DDP(nn.Linear(3, 2 if rank == 0 else 4))

# Clipping sees the same norm everywhere: that of the whole batch.
ddp = DDP(net(0))
F.cross_entropy(ddp(x[shard]), t[shard]).backward()
norm = nn.utils.clip_grad_norm_(ddp.parameters(), 0.1).item()
assert abs(norm - nn.utils.clip_grad_norm_(whole.parameters(), 0.1).item()) < 1e-12

# Batch norm sees its shard alone; SyncBatchNorm the whole batch, in forward and backward, to the running statistics.
whole = net(0, norm=nn.BatchNorm1d(8))
F.cross_entropy(whole(x), t).backward()
expected = gradients(whole)
plain = DDP(net(0, norm=nn.BatchNorm1d(8)))
F.cross_entropy(plain(x[shard]), t[shard]).backward()
assert size == 1 or np.abs(gradients(plain.module)["stem.weight"] - expected["stem.weight"]).max() > 1e-4
for parts in (shard, mine):
    sync = DDP(nn.SyncBatchNorm.convert_sync_batchnorm(net(0, norm=nn.BatchNorm1d(8))), weigh_by_samples=True)
    F.cross_entropy(sync(x[parts]), t[parts]).backward()
    assert_same(gradients(sync.module), expected, 1e-11)
    for name, buffer in whole.named_buffers():
        np.testing.assert_allclose(dict(sync.module.named_buffers())[name].array, buffer.array, rtol=1e-12)
np.testing.assert_allclose(sync.eval()(x).array, whole.eval()(x).array, rtol=1e-10, atol=1e-12)

# Ranks with different numbers of batches: nobody hangs, and all have the model of the last at the end.
ddp = DDP(net(0))
opt = optim.SGD(ddp.parameters(), lr=0.1)
with ddp.join():
    for _ in range(2 + rank):
        opt.zero_grad()
        F.cross_entropy(ddp(x[shard]), t[shard]).backward()
        opt.step()
every = [None] * size
dist.all_gather_object(every, ddp.module.head.weight.array.tobytes())
assert all(one == every[0] for one in every)
# The mean is over all ranks, or over those that still have a batch.
for initial in (True, False):
    ddp = DDP(net(0))
    with ddp.join(divide_by_initial_world_size=initial):
        for _ in range(1 if rank < size - 1 else 2):
            ddp.zero_grad()
            F.cross_entropy(ddp(x), t).backward()
    if rank == size - 1:
        alone = net(0)
        F.cross_entropy(alone(x), t).backward()
        factor = 1 / size if initial else 1
        assert_same(gradients(ddp.module), {name: factor * g for name, g in gradients(alone).items()})

if size > 1:

    def train(batches):
        with ddp.join(throw_on_early_termination=True):
            for _ in range(batches):
                F.cross_entropy(ddp(x[shard]), t[shard]).backward()

    with pytest.raises(RuntimeError, match="exhausted inputs"):
        train(2 + rank)

# Samplers: the shards are all items, each once but for the padding; a new order in each epoch, the same on all ranks.
for items in (10, 7, 1):
    for drop_last in (False, True):
        sampler = DistributedSampler(range(items), seed=3, drop_last=drop_last)
        orders = []
        for epoch in range(2):
            sampler.set_epoch(epoch)
            shards = [None] * size
            dist.all_gather_object(shards, list(sampler))
            orders.append(shards)
            assert {len(s) for s in shards} == {len(sampler)}
            flat = [i for s in shards for i in s]
            assert set(flat) <= set(range(items))
            if not drop_last:
                assert set(flat) == set(range(items))
                assert len(flat) - items < size
            else:
                assert len(set(flat)) == len(flat)
        assert items < 5 or orders[0] != orders[1]

dist.destroy_process_group()
print("whole")
