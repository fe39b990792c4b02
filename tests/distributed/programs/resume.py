"""Three steps of data parallel training, from a checkpoint if there is one, to a checkpoint; run by mpiexec."""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.distributed as dist
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.nn.parallel import DistributedDataParallel as DDP
from minigrad.utils.data import DataLoader, TensorDataset
from minigrad.utils.data.distributed import DistributedSampler

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
path = Path(sys.argv[1]) / "checkpoint.safetensors"
rng = np.random.default_rng(0)
data = TensorDataset(mg.tensor(rng.standard_normal((36, 4))), mg.tensor(rng.integers(0, 3, 36)))

# Nobody seeds: each rank draws weights of its own, and all get rank 0's.
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
own = [None] * size
dist.all_gather_object(own, model[0].weight.array.tobytes())
assert len(set(own)) == size, "ranks without a seed must differ"
ddp = DDP(model)
dist.all_gather_object(own, model[0].weight.array.tobytes())
assert len(set(own)) == 1

opt = optim.Adam(ddp.parameters(), lr=0.05)
epoch = 0
if path.exists():  # every rank reads what one wrote
    state = mg.load(path)
    ddp.load_state_dict(state["model"])
    opt.load_state_dict(state["opt"])
    epoch = state["epoch"]
sampler = DistributedSampler(data)
for _ in range(3):
    sampler.set_epoch(epoch)
    for x, t in DataLoader(data, batch_size=12 // size, sampler=sampler):
        opt.zero_grad()
        F.cross_entropy(ddp(x), t).backward()
        opt.step()
    epoch += 1
if rank == 0:
    mg.save({"model": ddp.state_dict(), "opt": opt.state_dict(), "epoch": epoch}, path)
dist.barrier()  # nobody goes on, to read it say, before it is there
assert mg.load(path)["epoch"] == epoch
dist.destroy_process_group()
