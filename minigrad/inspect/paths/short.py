"""Training by short paths only: gradients of what crossed at most so many branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.leaves import accumulate
from minigrad.engine.walk import seed_gradient
from minigrad.inspect.forks.graph import Graph, Value, value_of
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.paths.bill import branch_edges, sum_of
from minigrad.inspect.paths.by_length import by_length


@np.errstate(all="ignore")
def short_path_gradients(
    loss: TensorBase, parameters: Any, *, up_to: int, blocks: Blocks = None, gradient: Any = None
) -> None:
    """Fill ``.grad`` with what came through at most so many branches: training by short paths only, exactly.

    As ``backward()``, it adds to a ``.grad`` that is there. It takes the memory of at most ``up_to + 1`` passes. The
    graph is kept. (Veit et al., 2016, asked what short paths learn, by leaving blocks out at random.)

    Parameters
    ----------
    loss, blocks, gradient
        As in ``inspect.receipt``.
    parameters
        Tensors, as ``model.parameters()`` gives.
    up_to
        The longest path that counts, in branches; at least the number of blocks for the whole gradient.

    Raises
    ------
    ValueError
        If ``up_to`` is negative.
    OperationError, UnknownNameError
        As in ``inspect.receipt``.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> short_path_gradients(mg.skip.residual_add(s, 3 * b).sum(), [x], up_to=0)
    >>> x.grad.tolist()
    [1.0]
    """
    if up_to < 0:
        raise ValueError(f"up_to is {up_to}: it must be 0, the skips alone, or more")
    graph = Graph(loss)
    seed = seed_gradient(loss, gradient, create_graph=False)
    pairs = choose(find_pairs(graph).some(), blocks)
    wanted: list[Value] = [p for p in dict.fromkeys(parameters) if p in graph.readers]
    found = by_length(value_of(loss), seed, graph.nodes, branch_edges(pairs), wanted, up_to=up_to)
    for p, parts in found.items():
        if parts and isinstance(p, TensorBase):
            accumulate(p, as_tensor(sum_of([parts[k] for k in sorted(parts)])).array)
