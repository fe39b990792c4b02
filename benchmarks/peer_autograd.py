"""The workloads that HIPS autograd can run too: it differentiates NumPy code, and has no layers or optimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def tiny(rng: np.random.Generator) -> Callable[[], float]:
    """As ``workloads.tiny``."""
    import autograd
    import autograd.numpy as anp

    w, b = (rng.random(8).astype(np.float32) for _ in range(2))

    def loss(w: Any, b: Any) -> Any:
        x = w
        for _ in range(500):
            x = anp.tanh(x * w + b)
        return anp.sum(x)

    both = autograd.value_and_grad(loss, (0, 1))
    return lambda: float(both(w, b)[0])


def residual_mlp(layers: int, width: int, batch: int) -> Callable[[np.random.Generator], Callable[[], float]]:
    """As ``models.residual_mlp``, trained by stochastic gradient descent with momentum."""

    def make(rng: np.random.Generator) -> Callable[[], float]:
        import autograd
        import autograd.numpy as anp

        shapes = [(width, width)] * layers + [(10, width)]
        scale = 0.2 / np.sqrt(width)
        weights = [(rng.standard_normal(shape) * scale).astype(np.float32) for shape in shapes]
        biases = [np.zeros(shape[0], np.float32) for shape in shapes]
        x = rng.standard_normal((batch, width)).astype(np.float32)
        y = rng.integers(0, 10, (batch,))
        momenta = [np.zeros_like(p) for p in (*weights, *biases)]

        def loss(weights: Any, biases: Any) -> Any:
            h = x
            for w, b in zip(weights[:-1], biases[:-1], strict=True):
                h = h + anp.maximum(h @ w.T + b, 0)
            logits = h @ weights[-1].T + biases[-1]
            top = anp.max(logits, axis=1, keepdims=True)
            log_sum = anp.log(anp.sum(anp.exp(logits - top), axis=1)) + top[:, 0]
            return anp.mean(log_sum - logits[np.arange(batch), y])

        both = autograd.value_and_grad(loss, (0, 1))

        def step() -> float:
            value, (gw, gb) = both(weights, biases)
            for p, m, g in zip((*weights, *biases), momenta, (*gw, *gb), strict=True):
                m *= 0.9
                m += g
                p -= 1e-3 * m
            return float(value)

        return step

    return make
