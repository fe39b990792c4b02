"""Stepping through the first backward pass that a program runs, whatever it is that runs it.

``backward()``, ``grad``, `backward_steps` and `trace` all go through the engine's `visit` or `run_pass`. So one
function is put in their place for a while: it lets the user step through the pass, and then hands the pass's
steps on to whoever asked for them. The pass runs once, and each gradient is delivered once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.source import user_frame
from minigrad.engine.step import Step
from minigrad.engine.walk import run_pass, visit
from minigrad.inspect.stepping.stepper import Stepper
from minigrad.inspect.stepping.tape import Tape

#: Where passes that users ask for are run, and by which function; `plot.graph`'s own is left alone.
CALLERS = {
    "minigrad.engine.walk": run_pass,
    "minigrad.engine.gradients": visit,
    "minigrad.inspect.tracing.trace": run_pass,
}


class TakeOver:
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
        self.done = False
        self._stdin = stdin

    def __enter__(self) -> TakeOver:
        for module, function in CALLERS.items():
            _put(module, function, self._step_through)
        _put(Tape.__module__, run_pass, self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        for module, function in (*CALLERS.items(), (Tape.__module__, run_pass)):
            _put(module, function, function)

    def _note(self, *args: Any, **options: Any) -> Iterator[Step]:
        """`inspect.step` was called by the program itself."""
        self.done = True
        self.__exit__()
        return run_pass(*args, **options)

    def _step_through(
        self,
        outputs: Sequence[TensorBase],
        grad_outputs: Sequence[Any],
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
        deliver: Any = None,
    ) -> Iterator[Step]:
        """What stands in for `run_pass`, and for `visit`, whose caller takes no notice of what is yielded."""
        if any(tensor.node is None for tensor in outputs):  # there is no node to stop at
            yield from run_pass(
                outputs, grad_outputs, retain_graph=retain_graph, create_graph=create_graph, deliver=deliver
            )
            return
        self.done = True
        self.__exit__()
        tape = Tape(outputs, grad_outputs, create_graph, deliver)
        try:
            Stepper(tape, user_frame(), self._stdin).cmdloop()
        finally:
            tape.close(retain_graph=True)
        keep = retain_graph or create_graph
        for step in tape.taken:
            yield step
            if not keep:
                step.node.release()
        if not keep:
            tape.release()


def _put(module: str, function: Any, replacement: Any) -> None:
    # (import_module, because the name inspect.trace is that of the function)
    setattr(importlib.import_module(module), function.__name__, replacement)
