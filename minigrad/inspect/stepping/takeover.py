"""Stepping through the first backward pass that a program runs, whatever it is that runs it.

``backward()``, ``grad``, `backward_steps` and `trace` all ask for a pass. A watcher may take a pass over: this one
lets the user step through it, and then hands its steps on to whoever asked. The pass runs once, and each gradient is
delivered once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.gradients import Collected
from minigrad.engine.leaves import Receiver
from minigrad.engine.source import user_frame
from minigrad.engine.walk import Turn
from minigrad.engine.watch import Watcher, watchers
from minigrad.inspect.stepping.stepper import Stepper
from minigrad.inspect.stepping.tape import Tape


class TakeOver(Watcher):
    r"""A ``with`` block in which the first backward pass comes under the stepper.

    A pass under `inspect.step` is under it already, and counts as the first one.

    Attributes
    ----------
    done
        Whether there was a pass.

    Examples
    --------
    >>> import io
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> with TakeOver(io.StringIO("n\n")):
    ...     mg.grad((x * x).sum(), x)
    Stepping through backward, from the loss to the inputs. help lists the commands.
    [1 of 2] Sum...
    ...
    (step) n
    [2 of 2] Mul...
    ...
    (Tensor([2., 4.], shape=(2,), float32),)
    """

    def __init__(self, stdin: Any = None) -> None:
        super().__init__()
        self.done = False
        self._stdin = stdin

    def take_over(self, outputs: Sequence[TensorBase], *rest: Any) -> Iterator[Turn] | None:
        """Step through the first pass that has a node to stop at."""
        # A pass of `inspect.step` is under the stepper already, and counts as the first one.
        self.done = self.done or any(isinstance(watcher, Tape) for watcher in watchers.get())
        picture = isinstance(rest[-1], Collected) and not rest[-1].gradients  # it collects nothing
        if self.done or picture or any(tensor.node is None for tensor in outputs):
            return None
        self.done = True
        return self._step_through(outputs, *rest)

    def _step_through(
        self,
        outputs: Sequence[TensorBase],
        grad_outputs: Sequence[Any],
        retain_graph: bool,
        create_graph: bool,
        receiver: Receiver | None,
    ) -> Iterator[Turn]:
        tape = Tape(outputs, grad_outputs, create_graph, receiver)
        try:
            Stepper(tape, user_frame(), self._stdin).cmdloop()
        finally:
            tape.close(retain_graph=True)
        keep = retain_graph or create_graph
        for step in tape.taken:
            yield step.node, list(step._grad_outputs), tuple(step._grad_inputs)
            if not keep:
                step.node.release()
        if not keep:
            tape.release()
