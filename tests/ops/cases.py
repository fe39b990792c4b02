"""How a row of the table is written, and the domains its inputs are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Rng = np.random.Generator


def anywhere(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape)


def off_zero(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """At least 0.2 away from 0, where many functions have a kink."""
    x = rng.standard_normal(shape)
    return x + 0.2 * np.where(x < 0, -1, 1)


def positive(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.3, 2.0, shape)


def probability(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.1, 0.9, shape)


def distinct(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """No two values closer than 0.1: for maxima, medians and sorts, which have a kink at a tie."""
    n = int(np.prod(shape))
    return (rng.permutation(n) * 0.1 - n * 0.05 + rng.uniform(0, 0.02, n)).reshape(shape)


@dataclass
class Case:
    """One row: an operation on inputs of some shapes, and the same in plain NumPy.

    ``domain`` may be one function for all inputs, or one for each. ``second=False`` is for operations whose
    second derivative is zero everywhere and has nothing to check.
    """

    name: str
    run: Callable[..., Any]
    reference: Callable[..., Any] | None
    shapes: tuple[tuple[int, ...], ...]
    domain: Any = anywhere
    settings: dict[str, Any] = field(default_factory=dict)

    def arrays(self, rng: Rng) -> list[np.ndarray]:
        domains = self.domain if isinstance(self.domain, tuple) else (self.domain,) * len(self.shapes)
        return [draw(rng, shape) for draw, shape in zip(domains, self.shapes, strict=True)]
