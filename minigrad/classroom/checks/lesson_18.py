"""Checks of lesson 18, capsules."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, number, require


def _squash(task: Any) -> None:
    s = np.array([[3.0, 0.0, 4.0], [0.0, 0.5, 0.0]])
    v = np.asarray(given(task.squash(s.copy())))
    right = s * np.array([[5 / 26], [0.5 / 1.25]])
    require(not close(v, s / np.array([[5], [0.5]])), "these have length 1 all of them: how long a vector was is lost")
    require(
        not close(v, right / np.array([[5], [0.5]])), "the length should be r^2 / (1 + r^2): one factor r is missing"
    )
    require(close(v, right), SQUASH)
    with np.errstate(all="ignore"):
        nothing = np.asarray(task.squash(np.zeros((2, 3))))
    require(not np.isnan(nothing).any(), "at 0 that is 0 / 0: write it so that nothing is divided by r")
    require(close(nothing, np.zeros((2, 3))), "zeros stay zeros")


def _round(task: Any) -> None:
    rng = np.random.default_rng(0)
    logits, votes, outcomes = rng.normal(size=(4, 3)), rng.normal(size=(4, 3, 2)), rng.normal(size=(3, 2))
    c = np.asarray(given(task.couplings_of(logits.copy())))
    require(c.shape == (4, 3), f"couplings have the logits' shape, (4, 3); yours have {c.shape}")
    require(
        not close(c.sum(0), np.ones(3)), "so parents would share out their children: a *child* gives what it has once"
    )
    require(
        close(c, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)), "couplings: a softmax, and over which axis?"
    )
    agreement = (votes * outcomes).sum(2)
    b = np.asarray(given(task.next_logits(logits.copy(), votes, outcomes)))
    require(
        not close(b, agreement), "the agreement is *added* to the old logits: without them it is no residual stream"
    )
    require(close(b, logits + agreement), ROUND)


def _margin(task: Any) -> None:
    lengths = np.array([0.95, 0.3, 0.05])
    require(close(number(task.margin_loss(np.array([0.5]), 0)), 0.16), "one class, length 0.5: (0.9 - 0.5)^2 = 0.16")
    found = number(task.margin_loss(lengths, 0))
    require(
        not close(found, 0.0225),
        "max(0, ...) first and the square then: a length of 0.95 or of 0.05 costs nothing here",
    )
    require(not close(found, 0.04), "the other classes count half")
    require(close(found, 0.02), MARGIN)
    require(close(number(task.margin_loss(lengths, 1)), 0.36 + 0.5 * 0.85**2), MARGIN)


def _count(task: Any) -> None:
    found = number(task.squashes)
    require(found != 3, "the last round squashes too, though its logits have no next round")
    require(found == 4, COUNT)


SQUASH = "r is np.linalg.norm along the last axis, kept as an axis of length 1 so that it broadcasts."
ROUND = "The agreement of a vote and its parent's outcome is their inner product, over the last axis."
MARGIN = "Make two arrays, one for each case, and choose by np.arange(len(lengths)) == label."
COUNT = "Loop over trace.steps; type(step.node).__name__ is the name of the node's type."

CHECKS = [
    Check("1 squash", _squash, SQUASH),
    Check("2 one round of routing", _round, ROUND),
    Check("3 the margin loss", _margin, MARGIN),
    Check("4 the rounds in a trace", _count, COUNT),
]
