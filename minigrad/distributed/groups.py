"""Process groups: which processes there are, and which of them work together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from numbers import Integral
from typing import Any

from minigrad import arguments
from minigrad.distributed import debug
from minigrad.distributed.agreement import Agreement
from minigrad.distributed.crash import CrashGuard
from minigrad.distributed.library import load_mpi
from minigrad.distributed.work import Call, Work, call_of, check_timeout

#: PyTorch's default for backends on the CPU.
DEFAULT_TIMEOUT = timedelta(minutes=30)


class ProcessGroup:
    """Ranks that communicate with each other, numbered from 0.

    Parameters
    ----------
    comm
        MPI's communicator, which belongs to this group alone.
    ranks
        The members' numbers among all processes.
    timeout
        The longest that a member waits for another.
    board
        What ranks tell each other for debugging.
    """

    def __init__(self, comm: Any, ranks: Sequence[int], timeout: timedelta, board: debug.Board) -> None:
        self.comm = comm
        #: For what members say of what they do.
        self.talk = comm.Dup()
        self.ranks = list(ranks)
        self.timeout = timeout
        self.board = board
        #: What was started and has not ended.
        self.under_way: dict[int, Work] = {}

    def rank(self) -> int:
        """The number of this process in the group."""
        return int(self.comm.rank)

    def size(self) -> int:
        """How many processes there are."""
        return len(self.ranks)

    def rank_of(self, global_rank: int) -> int:
        """The number in the group of a process that is known by its number among all.

        Raises
        ------
        ValueError
            If it is no member.
        """
        if global_rank not in self.ranks:
            raise ValueError(f"rank {global_rank} is not in this group, whose ranks are {self.ranks}")
        return self.ranks.index(global_rank)

    def agree(self, call: Call) -> Agreement:
        """Begin to compare with all members what is about to be done."""
        return Agreement(self, call)

    def __repr__(self) -> str:
        return f"ProcessGroup(rank {self.rank()} of {self.size()}, ranks {self.ranks})"


class _Here:
    """What this process knows: the group of all processes, and what guards them."""

    everyone: ProcessGroup | None = None
    guard: CrashGuard | None = None
    made: list[ProcessGroup] = []


#: What ``new_group`` gives to a process that is no member.
NON_GROUP_MEMBER = None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
) -> None:
    """Join the processes that ``mpiexec`` started; all of them must call this.

    From then on an exception that nobody catches, on any rank, ends the whole job with that rank's traceback.

    Parameters
    ----------
    backend
        ``"mpi"``, the only one.
    init_method
        Only ``"env://"`` has a meaning: the launcher says which processes there are.
    timeout
        The longest that a rank waits for another; 30 minutes by default, as in PyTorch.
    world_size, rank
        If given, they must be what the launcher says.

    Raises
    ------
    ValueError
        For another backend, or numbers that the launcher doesn't confirm.
    DistError
        If mpi4py is missing.
    RuntimeError
        If the group is there already.

    Examples
    --------
    A program for ``mpiexec -n 2 python program.py``::

        import minigrad as mg
        import minigrad.distributed as dist

        dist.init_process_group("mpi")
        x = mg.ones(3) * dist.get_rank()
        dist.all_reduce(x)
        dist.destroy_process_group()
    """
    if _Here.everyone is not None:
        raise RuntimeError("init_process_group: the process group is there already; destroy_process_group() ends it")
    if backend not in (None, "mpi"):
        raise ValueError(f"the only backend is 'mpi', not {backend!r}: start the program with mpiexec -n 2 python ...")
    if init_method not in (None, "env://"):
        raise ValueError(f"init_method={init_method!r}: with MPI the launcher, mpiexec, says which processes there are")
    check_timeout("init_process_group", timeout)
    mpi = load_mpi()
    comm = mpi.COMM_WORLD.Dup()
    for what, given, found in (("world_size", world_size, comm.size), ("rank", rank, comm.rank)):
        if given not in (-1, found):
            raise ValueError(f"{what}={given}, but mpiexec says {found}: leave it out, or start mpiexec -n accordingly")
    debug.set_debug_level_from_env()
    detailed = debug.get_debug_level() is debug.DebugLevel.DETAIL
    board = debug.SharedBoard(comm) if detailed else debug.Board()
    limit = DEFAULT_TIMEOUT if timeout is None else timeout
    _Here.everyone = ProcessGroup(comm, range(comm.size), limit, board)
    _Here.guard = CrashGuard(mpi.COMM_WORLD.Dup(), limit.total_seconds())


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave a group; without an argument, all of them. What is under way is waited for."""
    everyone = group_or_world(group)
    for member in [everyone] if group is not None else [*_Here.made, everyone]:
        for work in list(member.under_way.values()):
            work.wait()
        if member in _Here.made:
            _Here.made.remove(member)
    if everyone is _Here.everyone:
        everyone.board.leave()
        assert _Here.guard is not None
        _Here.guard.remove()
        _Here.everyone = _Here.guard = None


def is_initialized() -> bool:
    """Whether there is a process group."""
    return _Here.everyone is not None


def group_or_world(group: ProcessGroup | None) -> ProcessGroup:
    """The group, or for None that of all processes.

    Raises
    ------
    ValueError
        If there is none.
    TypeError
        For what is no group.
    """
    if group is not None and not isinstance(group, ProcessGroup):
        raise TypeError(f"group must be what new_group() gave, or None for all ranks, not {group!r}")
    found = _Here.everyone if group is None else group
    if found is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call init_process_group: "
            'minigrad.distributed.init_process_group("mpi"), in a program that mpiexec -n 2 python ... starts'
        )
    return found


def get_rank(group: ProcessGroup | None = None) -> int:
    """The number of this process, in a group or among all."""
    return group_or_world(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """How many processes there are, in a group or in all."""
    return group_or_world(group).size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """Always ``"mpi"``."""
    group_or_world(group)
    return "mpi"


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """The members' numbers among all processes."""
    return list(group_or_world(group).ranks)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """A member's number among all processes.

    Raises
    ------
    OperationError
        If the group has no such rank.
    """
    ranks = group_or_world(group).ranks
    return ranks[arguments.integer("get_global_rank", "group_rank", group_rank, 0, len(ranks) - 1)]


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in a group of a process that is known by its number among all."""
    return group_or_world(group).rank_of(global_rank)


def new_group(ranks: Sequence[int] | None = None, timeout: timedelta | None = None) -> ProcessGroup | None:
    """Make a group of some ranks. *All* processes must call this, members or not, and in the same order.

    Parameters
    ----------
    ranks
        The members; all by default. They are numbered in the order of their numbers, as in PyTorch.
    timeout
        The longest that a member waits for another; by default as long as among all.

    Returns
    -------
    ProcessGroup or None
        None for a process that is no member.

    Raises
    ------
    ValueError
        For a rank that isn't there, or that is named twice.
    TypeError
        For a timeout that is no timedelta.
    """
    everyone = group_or_world(None)
    given = everyone.ranks if ranks is None else ranks
    known = isinstance(given, Iterable) and all(isinstance(r, Integral) and r in everyone.ranks for r in given)
    if not known or len(dict.fromkeys(given)) != len(list(given)):
        raise ValueError(f"new_group: ranks={ranks!r} must be different numbers from 0 to {everyone.size() - 1}")
    check_timeout("new_group", timeout)
    members = sorted(given)
    call = call_of(f"new_group({members})")
    Work(everyone, call, everyone.comm.Ibarrier, agreement=everyone.agree(call)).wait()
    mine = everyone.rank() in members
    comm = everyone.comm.Split(0 if mine else load_mpi().UNDEFINED, everyone.rank())
    if not mine:
        return NON_GROUP_MEMBER
    group = ProcessGroup(comm, members, everyone.timeout if timeout is None else timeout, everyone.board)
    _Here.made.append(group)
    return group
