"""Checks of lesson 21, streams."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.classroom.checks import Check, close, given, require

H = np.array([[1.0, 2.0], [0.5, -1.0]])


def _mix(task: Any) -> None:
    gY = np.array([[1.0, 0.0, 2.0], [3.0, -1.0, 0.5]])
    found = given(task.mix_backward(H, gY))
    require(not close(found, H @ gY), "that goes forward: who read stream j, and with which weight?")
    require(not close(found, np.linalg.inv(H) @ gY), "backward undoes nothing: each part goes back where it came from")
    require(close(found, H.T @ gY), MIX)


def _kept(task: Any) -> None:
    found = str(given(task.kept)).strip().lower()
    require(found in ("streams", "gradients"), "one of the two words")
    require(found == "streams", "that takes the rows: backward goes by the transpose")


def _sinkhorn(task: Any) -> None:
    positive = np.array([[1.0, 2.0, 0.5], [0.2, 1.0, 3.0], [2.0, 0.1, 1.0]])
    found = given(task.sinkhorn(positive.copy()))
    rows, columns = close(found.sum(1), np.ones(3), 1e-3), close(found.sum(0), np.ones(3), 1e-3)
    require(not (rows and not columns), "now the columns don't: both, in turn")
    require(rows or not close(found, positive / positive.sum(), 1e-3), "one sum for all is no sum of a row")
    require(rows and columns, SINKHORN)
    once = positive / positive.sum(0)
    require(not close(found, once / once.sum(1, keepdims=True)), "one round is not enough: each half undoes a little")


def _effective(task: Any) -> None:
    energies = np.array([1.0, 4.0, 9.0])
    found = given(task.effective(energies))
    require(not close(found, 98 / 196), "that is its inverse")
    require(not close(found, 14 / 98), "the square of the sum is what stands above the line")
    require(close(found, 196 / 98), EFFECTIVE)


MIX = "X_j is read by every Y_i, with the weight H_ij: sum over the readers."
SINKHORN = "Normalise the columns, then the rows, and again."
EFFECTIVE = "Try it on (1, 1, 1), where it must give 3, and on (1, 0, 0)."
CHECKS = [
    Check("1 the backward of a mix", _mix, MIX),
    Check("2 whose sum is kept", _kept, "Sum Y = H X over its streams: which sums of H appear?"),
    Check("3 Sinkhorn's rounds", _sinkhorn, SINKHORN, bug_in="sinkhorn"),
    Check("4 the streams that are left", _effective, EFFECTIVE),
]
