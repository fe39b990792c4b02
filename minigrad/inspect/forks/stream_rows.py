"""The ledger of streams: what each gets back from each other one, and whether one carries everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.gradients import Collected
from minigrad.engine.step import read_only
from minigrad.engine.walk import seed_gradient, visit
from minigrad.inspect import measure
from minigrad.inspect.forks.graph import Graph
from minigrad.inspect.say.table import Table, Tabular
from minigrad.pass_arguments import starting_gradient
from minigrad.skip import StreamMix


@dataclass(frozen=True, eq=False)
class StreamPair:
    """What one stream gets back from another over one mix.

    Attributes
    ----------
    node, module
        The `StreamMix`.
    start, end
        The stream j that was read and the stream i that it went to: backward carries ``H[i, j] gY_i`` from i to j.
    weight
        ``H[i, j]``; its mean, where there is a matrix for each place.
    norm
        The norm of that part.
    share
        Its part of the gradient of stream j: ``<part, gX_j> / |gX_j|^2``; None where that is no number.
    """

    node: str
    module: str
    start: int
    end: int
    weight: float
    norm: float
    share: float | None


@dataclass(frozen=True, eq=False)
class StreamRow:
    """One `StreamMix` of several streams.

    Attributes
    ----------
    node, module
        The node, and the module that it is in.
    pairs
        A row for each pair of streams.
    rows, columns
        The sums of H by row and by column: ones in ``rows`` keep the sum of the streams' gradients, ones in
        ``columns`` that of the streams.
    gain
        The largest singular value of H: by how much one mix may stretch a gradient; None for a matrix a place.
    effective
        How many streams carry the signal: ``(sum |X_j|^2)^2 / sum |X_j|^4``, from n, where all have one size, to 1,
        where one dominates: the streams have collapsed.
    effective_gradient
        The same for the gradients that the streams get back.
    alike
        The mean cosine of two streams: 1 where all hold the same.
    """

    node: str
    module: str
    pairs: tuple[StreamPair, ...]
    rows: Array
    columns: Array
    gain: float | None
    effective: float
    effective_gradient: float
    alike: float


class StreamLedger(Tabular, Sequence[StreamRow]):
    """A row for each mix of streams, in forward order.

    Attributes
    ----------
    gain
        The largest singular value of the product of all matrices: by how much the skip may stretch a gradient.
    """

    def __init__(self, mixes: Sequence[StreamRow], gain: float | None) -> None:
        self.mixes = list(mixes)
        self.gain = gain

    def __getitem__(self, key: Any) -> Any:
        return self.mixes[key]

    def __len__(self) -> int:
        return len(self.mixes)

    def __iter__(self) -> Iterator[StreamRow]:
        return iter(self.mixes)

    @property
    def pairs(self) -> list[StreamPair]:
        """The rows of all pairs of streams."""
        return [pair for mix in self.mixes for pair in mix.pairs]

    def table(self) -> Table:
        """The table that is shown: a row a mix; ``.pairs`` has a row a pair of streams."""
        rows = []
        for mix in self.mixes:
            ends = [f"{sums.min():.3g}..{sums.max():.3g}" for sums in (mix.rows, mix.columns)]
            rows.append([mix.module or mix.node, *ends, mix.gain, mix.effective, mix.effective_gradient, mix.alike])
        notes = ["rows, columns: sums of H. Rows of 1 keep the sum of the gradients, columns of 1 that of the streams"]
        notes.append("carry, carry back: how many streams have a part in the signal, in the gradient; 1: collapsed")
        if self.gain is not None:
            notes.append(f"all matrices together may stretch a gradient by {self.gain:.4g}")
        if not rows:
            notes = ["there is no mix of several streams in this graph"]
        return Table(["mix", "rows", "columns", "gain", "carry", "carry back", "cosine"], rows, notes=notes)


@np.errstate(all="ignore")  # as in backward()
def stream_ledger(loss: TensorBase, gradient: Any = None) -> StreamLedger:
    """Look at every mix of several streams in a backward pass; the graph is kept, and no ``.grad`` is touched.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of its shape.

    Raises
    ------
    OperationError
        If the loss is no scalar, or has no graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> X = mg.tensor([[1.0], [2.0]], requires_grad=True)
    >>> ledger = stream_ledger(mg.skip.stream_mix(mg.tensor([[1.0, 0.0], [0.5, 0.5]]), X).sum())
    >>> [(pair.start, pair.end, pair.norm) for pair in ledger.pairs]
    [(0, 0, 1.0), (1, 0, 0.0), (0, 1, 0.5), (1, 1, 0.5)]
    >>> ledger[0].columns.tolist()
    [1.5, 0.5]
    """
    Graph(loss)  # (which says what is wrong with a loss)
    seed = seed_gradient(loss, starting_gradient("stream_ledger", "gradient", gradient), create_graph=False)
    mixes: list[StreamRow] = []
    matrices: list[Array] = []
    for node, came, sent in visit([loss], [seed], retain_graph=True, receiver=Collected([])):
        if not isinstance(node, StreamMix) or sent[1] is None:
            continue
        H = array_of(node.inputs[0])
        if min(H.shape[:2]) > 1:
            mixes.append(_row(node, H, array_of(came[0]), array_of(sent[1])))
            matrices.append(H.T)
    gain = None
    if matrices and all(H.ndim == 2 for H in matrices) and _fit(matrices):
        gain = float(np.linalg.norm(reduce(np.matmul, matrices[::-1]), 2))
    return StreamLedger(mixes[::-1], gain)


def _fit(matrices: Sequence[Array]) -> bool:
    """Whether the matrices, the latest mix's first, can be multiplied."""
    return all(a.shape[0] == b.shape[1] for a, b in pairwise(matrices))


def _row(node: StreamMix, H: Array, gY: Array, gX: Array) -> StreamRow:
    X = array_of(node.inputs[1])
    places = tuple(range(2, H.ndim))
    mean = H.mean(places) if places else H
    wide = H.reshape(*H.shape, *(1,) * (gY.ndim + 1 - H.ndim))
    pairs = []
    for i, j in np.ndindex(mean.shape):
        part = wide[i, j] * gY[i]
        size = measure.norm(gX[j])
        cosine = measure.cosine(part, gX[j])
        share = None if cosine is None else cosine * measure.norm(part) / size
        pairs.append(StreamPair(node.name, node.module, j, i, float(mean[i, j]), measure.norm(part), share))
    cosines = [measure.cosine(X[i], X[j]) or 0.0 for i in range(len(X)) for j in range(i)]
    return StreamRow(
        node.name,
        node.module,
        tuple(pairs),
        read_only(mean.sum(1)),
        read_only(mean.sum(0)),
        None if places else float(np.linalg.norm(H, 2)),
        effective_streams(X),
        effective_streams(gX),
        float(np.mean(cosines)),
    )


def effective_streams(X: Array) -> float:
    """How many streams carry what there is: n where all have one norm, 1 where one has it all; NaN for zeros.

    Examples
    --------
    >>> effective_streams(np.ones((4, 2))), effective_streams(np.array([[1.0], [0.0]]))
    (4.0, 1.0)
    """
    X = array_of(arguments.tensor("effective_streams", "X", X))
    if not X.ndim:
        raise arguments.wrong_value("effective_streams", "X", "streams one after the other: an array with axes", X)
    energy = np.array([measure.norm(stream) for stream in X]) ** 2
    return float(energy.sum() ** 2 / (energy**2).sum()) if energy.any() else float("nan")
