"""What a `Recorder` keeps of one backward pass: a few numbers for each layer, block and parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.engine.base import Array
from minigrad.inspect.forks.ledger import LedgerRow

#: The edges of histograms, in powers of ten of the absolute value; the end bins hold all beyond them.
EDGES = np.linspace(-16.0, 4.0, 41)


@dataclass
class Record:
    """One recorded pass.

    Attributes
    ----------
    number
        The number of the pass, from 0.
    layers, params
        The norm of the gradient of each layer's output and of each parameter.
    weights
        The norm of each parameter before the pass.
    updates
        ``|change| / |weight|`` of each parameter up to the next pass; known once that has begun.
    histograms
        For each layer, how many elements of its output's gradient have which size.
    ledger
        A row for each fork-join pair, numbers only, where the ledger is recorded.
    """

    number: int
    layers: dict[str, float] = field(default_factory=dict)
    params: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    updates: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, Array] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)


def flat(record: Record, kind: str, name: str, size: float | None, update: float | None) -> dict[str, Any]:
    """A record of one layer or parameter, for a table."""
    return {"pass": record.number, "kind": kind, "name": name, "norm": size, "update_ratio": update}


def histogram(gradients: Sequence[Array]) -> Array:
    """How many elements have which size; a zero counts as the smallest."""
    values = np.concatenate([np.abs(g).ravel().astype(np.float64) for g in gradients])
    with np.errstate(divide="ignore"):
        powers = np.clip(np.log10(values), EDGES[0], EDGES[-1])
    return np.histogram(powers, EDGES)[0]
