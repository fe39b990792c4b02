"""A page of the first backward pass that a program runs, whatever it is that runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.gradients import Collected
from minigrad.engine.step import Step
from minigrad.engine.walk import Turn, visit
from minigrad.engine.watch import Watcher
from minigrad.inspect.page.page_file import Page
from minigrad.inspect.page.recording import Recording
from minigrad.inspect.page.replaying import page_of


class FirstPass(Watcher):
    """A ``with`` block in which the first backward pass is recorded, and goes to whoever asked for it.

    Attributes
    ----------
    page
        The page; None as long as no pass has ended.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> with FirstPass() as first:
    ...     (x * x).sum().backward()
    >>> [step.kind for step in first.page.trace], x.grad.tolist()
    (['Sum', 'Mul'], [2.0, 4.0])
    """

    def __init__(self) -> None:
        super().__init__()
        self.page: Page | None = None
        self._begun = False

    def take_over(self, outputs: Sequence[TensorBase], *rest: Any) -> Iterator[Turn] | None:
        """Record the first pass from one tensor that has a graph."""
        picture = isinstance(rest[-1], Collected) and not rest[-1].gradients  # it collects nothing
        if self._begun or picture or len(outputs) != 1 or outputs[0].node is None:
            return None
        self._begun = True
        return self._record(outputs, *rest)

    def _record(self, outputs: Sequence[TensorBase], grad_outputs: Sequence[Any], *rest: Any) -> Iterator[Turn]:
        recording = Recording(outputs[0], gradient=grad_outputs[0])
        with recording:
            for turn in visit(outputs, grad_outputs, *rest):
                recording.see(Step(*turn))
                yield turn
        self.page = page_of([recording])
