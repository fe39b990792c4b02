"""`replay`: run a backward pass, and get the page that plays it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.step import Step
from minigrad.engine.walk import seed_gradient, visit
from minigrad.inspect.page.content import content_of
from minigrad.inspect.page.page_file import BUDGET, Page
from minigrad.inspect.page.recording import Recording
from minigrad.pass_arguments import starting_gradient


def replay(
    loss: TensorBase,
    gradient: Any = None,
    *,
    stop: Callable[[Any], Any] | None = None,
    beside: TensorBase | None = None,
    names: tuple[str, str] = ("this net", "the other net"),
    budget: int = BUDGET,
) -> Page:
    """Run ``loss.backward()``, and make a page that plays it: one HTML file that works offline.

    As after ``backward()``, the gradients are in the leaves' ``.grad``, and the graph is freed.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of its shape.
    stop
        A condition, such as ``inspect.vanishing(1e-6)``: the page stops where it held during the pass.
    beside
        The loss of a second net, whose pass is shown side by side; its ``backward()`` runs too.
    names
        What the two nets are called there.
    budget
        The most bytes that the page may have. What had to be left out is said on it.

    Returns
    -------
    Page
        ``page.save("replay.html")`` writes it; a notebook shows it.

    Raises
    ------
    OperationError
        For a loss that is no scalar, that has no graph, or whose graph was freed.
    TypeError
        If ``stop`` can't be called.
    ValueError
        If even the steps alone don't fit the budget.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> page = replay(mg.skip.residual_add(s, 0.5 * b).sum())
    >>> [step.kind for step in page.trace]
    ['Sum', 'ResidualAdd', 'Mul', 'Fork']
    """
    recordings = [Recording(loss, stop, gradient)]
    if beside is not None:
        recordings.append(Recording(beside, stop))
    for recording, (tensor, seed) in zip(recordings, [(loss, gradient), (beside, None)], strict=False):
        assert tensor is not None  # there is a recording for it
        with recording, np.errstate(all="ignore"):  # as in backward()
            seed = seed_gradient(tensor, starting_gradient("replay", "gradient", seed), create_graph=False)
            for step in starmap(Step, visit([tensor], [seed])):
                recording.see(step)
    return page_of(recordings, names, budget)


def page_of(recordings: list[Recording], names: tuple[str, ...] = ("",), budget: int = BUDGET) -> Page:
    """The page of one pass or of two, once they are over."""
    traces = [recording.trace() for recording in recordings]
    names = names if len(traces) > 1 else ("",)
    passes = [content_of(r, t, name) for r, t, name in zip(recordings, traces, names, strict=True)]
    return Page(traces, passes, budget)
