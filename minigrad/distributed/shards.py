"""Parameters of which each rank has a slice: cutting them, their norm, and the state of the whole model."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.engine.mode import no_grad
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.clip import get_total_norm
from minigrad.tensors.tensor import Tensor, from_array


def shard(whole: Tensor, dim: int, group: ProcessGroup) -> Parameter:
    """Cut out the slice of this rank from a parameter that all ranks have; it notes the dimension.

    Raises
    ------
    ValueError
        If the ranks can't have equal parts.
    """
    size, ranks = whole.shape[dim], group.size()
    if size % ranks:
        raise ValueError(f"{size} features can't be split equally among {ranks} ranks")
    part = Parameter(np.array(np.split(whole.array, ranks, axis=dim)[group.rank()]))
    part.shard_dim = dim  # type: ignore[attr-defined]
    return part


def check_module(what: str, module: Any, kind: type[Module]) -> None:
    """Raise an error unless this is a module of that kind.

    Raises
    ------
    TypeError
        Then.
    """
    if not isinstance(module, kind):
        raise TypeError(f"{what}: it takes an nn.{kind.__name__}, not {type(module).__name__}")


def full_state_dict(module: Module, group: ProcessGroup | None = None) -> dict[str, Tensor]:
    """The state of the whole model, on all ranks: slices put side by side. All ranks must call this.

    It can be saved by one rank, and cut again for another number of ranks.
    """
    check_module("full_state_dict", module, Module)
    among = group_or_world(group)
    parameters = dict(module.named_parameters())
    state = {}
    for name, value in module.state_dict().items():
        dim = getattr(parameters.get(name), "shard_dim", None)
        if dim is None:
            state[name] = value
            continue
        parts = [np.empty_like(value.array) for _ in among.ranks]
        exchange.all_gather(parts, value.array, among).wait()
        state[name] = from_array(np.concatenate(parts, axis=dim))
    return state


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    group: ProcessGroup | None = None,
    own: bool = False,
) -> Tensor:
    """Clip gradients by the norm of the whole model's, which the ranks have in parts. All ranks must call this.

    Parameters
    ----------
    parameters
        Those of this rank. A slice counts on every rank, any other parameter once.
    max_norm, norm_type
        As in ``nn.utils.clip_grad_norm_``.
    group
        The ranks; all by default.
    own
        Whether each rank has parameters of its own, as the stages of a pipeline: then all count on every rank.

    Returns
    -------
    Tensor
        The norm before.

    Raises
    ------
    ValueError
        If ``norm_type`` is no positive number.
    TypeError
        For what are no parameters.
    """
    among = group_or_world(group)
    if not isinstance(norm_type, Real) or not norm_type > 0:
        raise ValueError(f"clip_grad_norm_: norm_type is a number above 0, or infinity, not {norm_type!r}")
    if not isinstance(parameters, Iterable):
        raise TypeError(f"clip_grad_norm_: parameters must be tensors, not {parameters!r}")
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    with_gradient = [p for p in dict.fromkeys(given) if p.grad is not None]
    counted = [p for p in with_gradient if own or hasattr(p, "shard_dim") or among.rank() == 0]
    local = get_total_norm([p.grad for p in counted if p.grad is not None], norm_type).item()
    largest = norm_type == float("inf")
    total = np.array(local if largest else local**norm_type)  # (a power of no dimensions is no array)
    exchange.all_reduce(total, ReduceOp.MAX if largest else ReduceOp.SUM, among).wait()
    norm = float(total) if largest else float(total) ** (1 / norm_type)
    factor = max_norm / (norm + 1e-6)  # as PyTorch
    if not factor >= 1:
        with no_grad():
            for p in with_gradient:
                if p.grad is not None:
                    p.grad.mul_(factor)
    return from_array(np.asarray(norm))
