"""Collectives and their nodes, on 1 to 4 ranks; and what a process without MPI is told."""

import sys

import pytest

import minigrad as mg
import minigrad.distributed as dist

from .launch import needs_mpi, passes


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_collectives_are_numpys_sums_and_slices(ranks):
    assert passes("collectives", ranks=ranks).count("whole") == ranks


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_what_makes_no_sense_is_refused_before_anybody_waits(ranks):
    assert passes("bad_input", ranks=ranks).count("whole") == ranks


@needs_mpi
def test_collectives_under_the_debug_level():
    passes("collectives", ranks=3, env={"MINIGRAD_DISTRIBUTED_DEBUG": "DETAIL"})


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_backward_is_the_adjoint_of_forward(ranks):
    assert passes("nodes", ranks=ranks).count("whole") == ranks


def test_import_needs_no_mpi(run_python):
    done = run_python("import sys, minigrad; print('mpi4py' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_without_mpi_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert not dist.is_available()
    with pytest.raises(dist.DistError, match="python -m pip install mpi4py mpich"):
        dist.init_process_group("mpi")


def test_without_a_group_the_error_says_how_to_make_one():
    assert not dist.is_initialized()
    with pytest.raises(ValueError, match="has not been initialized.*init_process_group"):
        dist.all_reduce(mg.ones(2))
    with pytest.raises(ValueError, match="has not been initialized"):
        dist.get_rank()


def test_only_mpi_is_a_backend():
    with pytest.raises(ValueError, match="the only backend is 'mpi', not 'gloo'"):
        dist.init_process_group("gloo")
