"""What the models' tests share: to count parameters, and to fit a small batch."""

from __future__ import annotations

import minigrad as mg


def count(model):
    return sum(p.numel() for p in model.parameters())


def fit(parameters, loss_of, steps, rate=0.01):
    """Train on one batch; gives the losses."""
    optimizer = mg.optim.Adam(list(parameters), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
