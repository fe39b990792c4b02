"""Checks of lesson 7, the residual block."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import inspect
from minigrad.classroom import puzzles
from minigrad.classroom.checks import Check, beside, close, given, number, require


def _fork(task: Any) -> None:
    a, b = np.array([1.0, -2.0]), np.array([3.0, 0.5])
    kept = a.copy(), b.copy()
    gx = given(task.fork_backward(a, b))
    same = close(a, kept[0]) and close(b, kept[1])
    require(same, "the sum may be right, but you wrote it into an array that you were given: others read it too")
    require(not close(gx, (a + b) / 2), "no mean: if x grows by h, both ways grow by h, and both changes arrive")
    require(not (close(gx, a) or close(gx, b)), "that is what one way brings; the other one's has been lost")
    require(not close(gx, a * b), "one way doesn't come after the other: nothing is multiplied here")
    require(close(gx, a + b), FORK)


def _join(task: Any) -> None:
    gy = np.array([1.0, -2.0, 4.0])
    answer = given(task.residual_add_backward(gy))
    require(isinstance(answer, tuple) and len(answer) == 2, "give two gradients: for the skip, and for the branch")
    s, b = answer
    require(not close(s, gy / 2), "the gradient isn't shared out: dy/dskip is 1, whatever the branch does")
    require(not (close(s, gy) and close(b, 0 * gy)), "the branch gets one too: change it by h, and y changes by h")
    require(close(s, gy) and close(b, gy), JOIN)


def _share(task: Any) -> None:
    share = number(task.skip_share)
    require(not close(share, 0.75), "that is what came through the branch")
    require(not close(share, 0.1), "squares of norms leave out 2 <skip, branch>, and here both ways agree")
    require(not close(share, 1 / 3), "that is the skip beside the branch; we ask for its part of their sum")
    require(not close(share, 25), "as a number between 0 and 1, not in per cent")
    require(close(share, 0.25), SHARE)


def _block_seen(module: Any) -> Any:
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    y = given(module.block(x, lambda b: 3 * b))
    y.sum().backward()
    return y, x.grad


def _block(task: Any) -> None:
    y, g = beside(task, _block_seen)
    require(close(y, [4.0, -8.0]), "forward was right, x + branch(x), and isn't any more")
    require(g is not None, "now no gradient at all comes back to x")
    require(not close(g, np.ones(2)), "now the skip brings its gradient, but the branch's is cut off")
    require(close(g, np.full(2, 4.0)), BLOCK)


def _dead(task: Any) -> None:
    answer = number(task.dead)
    rows = {row.name: row for row in inspect.trace(puzzles.dead_block()).ledger()}
    row = rows.get(f"{answer:g}")
    require(row is not None, "the blocks are numbered from 0, as the ledger names them")
    require(row is not None and row.norm_branch == 0, f"through the branch of block {answer:g} something comes back")


def _breakpoint(task: Any) -> None:
    answer = number(task.norm_at_the_second_fork)
    forks = inspect.trace(puzzles.three_blocks()).select(kind="Fork")
    norms = [float(np.linalg.norm(np.asarray(step.grad_inputs[0]))) for step in forks]
    require(not close(answer, norms[0], 1e-3), "that is the fork of the last block: go on once more")
    require(not close(answer, norms[2], 1e-3), "that is the third fork that you come to")
    require(not close(answer, norms[1] / 2**0.5, 1e-3), "that is one number of gx; the norm is of both")
    require(not close(answer, forks[1].norm, 1e-3), "that is of what comes to the fork; asked is what leaves it")
    require(close(answer, norms[1], 1e-3), BREAKPOINT)


BREAKPOINT = "b Fork, c, c: then p gx shows its values. A norm is the root of the sum of their squares."
FORK = "A small change of x goes along both ways, and both change the loss."
JOIN = "How much does y change if the skip changes by h? And if the branch does?"
SHARE = "The skip brings 1 and the branch 3; what is at the fork? Or ask the ledger for skip_share."
BLOCK = "Run inspect.trace(loss) on the block, and see who sends no gradient. What does detach() do?"
CHECKS = [
    Check("1 the backward of a fork", _fork, FORK),
    Check("2 the backward of the join", _join, JOIN),
    Check("3 the skip share", _share, SHARE),
    Check("4 a block that stops the gradient", _block, BLOCK, bug_in="block"),
    Check("5 the dead block", _dead, "A row of the ledger is a block: what comes through its branch?"),
    Check("6 a breakpoint", _breakpoint, BREAKPOINT),
]
