"""Checks of lesson 19, the landscape."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import skip
from minigrad.classroom.checks import Blank, Check, close, given, number, require


def _normalise(task: Any) -> None:
    rng = np.random.default_rng(0)
    d, w = rng.normal(size=(3, 5)), rng.normal(size=(3, 5)) * [[1], [10], [0.1]]
    found = np.asarray(given(task.filter_normalised(d.copy(), w.copy())))
    lengths = np.linalg.norm(found, axis=1) if found.shape == (3, 5) else np.zeros(3)
    require(found.shape == (3, 5), f"a direction has the weights' shape, (3, 5); yours has {found.shape}")
    require(not close(lengths, np.ones(3)), "now all rows have length 1; they are to have the length of w's rows")
    whole = d / np.linalg.norm(d) * np.linalg.norm(w)
    require(not close(found, whole), "that scales the direction as a whole; each unit's row by itself, please")
    require(not close(found, d * np.linalg.norm(w, axis=1, keepdims=True)), "d's rows had lengths of their own before")
    require(not close(lengths[:2], np.linalg.norm(w, axis=0)[:2]), "those are columns: a unit's weights are a *row*")
    require(close(found, d / np.linalg.norm(d, axis=1, keepdims=True) * np.linalg.norm(w, axis=1, keepdims=True)), ROWS)


def _rescale(task: Any) -> None:
    rng = np.random.default_rng(1)
    w1, w2, x = rng.normal(size=(4, 3)), rng.normal(size=(2, 4)), rng.normal(size=(3, 6))
    answer = given(task.rescale(w1.copy(), w2.copy(), 5.0))
    require(isinstance(answer, tuple) and len(answer) == 2, "give two arrays: the first layer's weights, the second's")
    a, b = (np.asarray(given(w)) for w in answer)
    require(close(a, 5 * w1), "the first layer is to be c times as large")
    require(not close(b, w2), "now the net's output is c times as large: relu(c z) is c relu(z)")
    require(close(b @ np.maximum(a @ x, 0), w2 @ np.maximum(w1 @ x, 0)), RESCALE)


def _twins(task: Any) -> None:
    answers = [task.plain_twins_stay, task.skip_twins_stay]
    if any(answer is ... for answer in answers):
        raise Blank
    require(all(isinstance(answer, bool) for answer in answers), "write True or False")
    require(answers[0], "in the plain net both compute the same and get the same gradient: what could part them?")
    require(
        not answers[1], "with a skip the two units' *values* differ, so the gradients of what reads them differ too"
    )


def _gradient(task: Any) -> None:
    found = number(task.twins_differ_by)
    mg.manual_seed(0)
    into, out = mg.randn(4, 4), mg.randn(3, 4)
    into[1], out[:, 1] = into[0], out[:, 0]
    out.requires_grad_()
    s, b = skip.fork(mg.randn(5, 4))
    h = skip.residual_add(s, F.relu(b @ into.T))
    (h @ out.T).square().sum().backward()
    g = np.asarray(getattr(out.grad, "array", np.nan))
    require(found != 0, "not 0: did you compare the weights themselves, or their gradient?")
    require(
        not close(found, np.abs(g[0] - g[1]).max(), 1e-3),
        "those are rows; a unit's outgoing weights are a *column* of out",
    )
    require(close(found, np.abs(g[:, 0] - g[:, 1]).max(), 1e-3), GRADIENT)


ROWS = "np.linalg.norm(..., axis=1, keepdims=True) gives the lengths of the rows: divide by one, multiply by the other."
RESCALE = "c passes through a ReLU unchanged, if it is positive; what undoes it in the second layer?"
TWINS = "Think of what each unit computes, and of what comes back to it: is anything different between the two?"
GRADIENT = "out.grad is a tensor of out's shape; compare its columns 0 and 1, and take the largest absolute difference."

CHECKS = [
    Check("1 filter-normalise", _normalise, ROWS),
    Check("2 the same function", _rescale, RESCALE),
    Check("3 twins", _twins, TWINS),
    Check("4 look at the gradient", _gradient, GRADIENT),
]
