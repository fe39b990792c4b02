"""Data parallel training equals one process on the whole batch, on any number of ranks."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.utils.data.distributed import DistributedSampler

from .launch import needs_mpi, passes


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_ranks_have_the_whole_batchs_gradients(ranks):
    assert passes("data_parallel", ranks=ranks).count("whole") == ranks


@needs_mpi
def test_nothing_deadlocks_under_the_debug_level():
    passes("data_parallel", ranks=2, env={"MINIGRAD_DISTRIBUTED_DEBUG": "DETAIL"})


@needs_mpi
def test_the_pages_program_runs(tmp_path):
    passes("page", tmp_path, ranks=2)
    assert list(mg.load(tmp_path / "model.safetensors"))[0] == "module.0.weight"


@pytest.mark.parametrize("items", [1, 7, 8, 9])
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("drop_last", [False, True])
def test_sampler_deals_out_as_pytorchs(items, ranks, drop_last):
    torch_data = pytest.importorskip("torch.utils.data.distributed")
    for rank in range(ranks):
        options = {"num_replicas": ranks, "rank": rank, "shuffle": False, "drop_last": drop_last}
        ours, theirs = (s(range(items), **options) for s in (DistributedSampler, torch_data.DistributedSampler))
        assert len(ours) == len(theirs)
        assert list(ours) == list(theirs)


def test_sampler_refuses_a_rank_that_is_not_there():
    with pytest.raises(ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"):
        DistributedSampler(range(4), num_replicas=2, rank=2)


def test_sync_batch_norm_alone_is_batch_norm(rng):
    norm = nn.BatchNorm2d(3).double()
    twin = nn.SyncBatchNorm(3).double()
    twin.load_state_dict(norm.state_dict())
    x = mg.tensor(rng.standard_normal((4, 3, 2, 2)))
    for _ in range(2):
        assert (norm(x) == twin(x)).all()
    assert (norm.eval()(x) == twin.eval()(x)).all()
    assert repr(twin).startswith("SyncBatchNorm(3, eps=1e-05, momentum=0.1")
    net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm1d(3)))
    assert repr(nn.SyncBatchNorm.convert_sync_batchnorm(net)).count("SyncBatchNorm") == 2
