"""Several processes that compute together, under the names of ``torch.distributed``; the engine is MPI.

``mpiexec -n 2 python program.py`` starts a program as two processes, *ranks*, that differ only in their number.
"""

from minigrad.distributed import nn
from minigrad.distributed.collectives import (
    all_gather,
    all_gather_into_tensor,
    all_reduce,
    all_to_all,
    barrier,
    broadcast,
    gather,
    reduce,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
)
from minigrad.distributed.debug import DebugLevel, get_debug_level, set_debug_level, set_debug_level_from_env
from minigrad.distributed.groups import (
    ProcessGroup,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    init_process_group,
    is_initialized,
    new_group,
)
from minigrad.distributed.library import DistError, is_available
from minigrad.distributed.objects import all_gather_object, broadcast_object_list, gather_object
from minigrad.distributed.point_to_point import irecv, isend, recv, send
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work

#: PyTorch's other name: whether this backend can be used.
is_mpi_available = is_available

__all__ = [
    "DebugLevel",
    "DistError",
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "all_to_all",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "gather_object",
    "get_backend",
    "get_debug_level",
    "get_global_rank",
    "get_group_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "irecv",
    "is_available",
    "is_initialized",
    "is_mpi_available",
    "isend",
    "new_group",
    "nn",
    "recv",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "send",
    "set_debug_level",
    "set_debug_level_from_env",
]
