"""The stepper's commands that look at a node and change nothing: its values, its rule, where it came from."""

from __future__ import annotations

import cmd
import io
import pdb
import sys
from types import FrameType
from typing import Any, TextIO

from minigrad.engine.base import TensorBase
from minigrad.inspect.forks.graph import Value, read_at
from minigrad.inspect.say.source_view import line_in_context, rule_with_shapes
from minigrad.inspect.say.step_names import gradient_name, input_name, names_at, shown
from minigrad.inspect.stepping import explain
from minigrad.inspect.stepping.tape import Tape
from minigrad.inspect.tracing.steps import TracedStep
from minigrad.skip import Fork


class Looking(cmd.Cmd):
    """Commands that look.

    Parameters
    ----------
    tape
        The pass.
    frame
        Where `step` was called, so that expressions can name the user's variables.
    stdin, stdout
        Where commands come from and what is shown goes to; None for the terminal, or what stands in for it.
    """

    def __init__(
        self, tape: Tape, frame: FrameType | None, stdin: TextIO | None = None, stdout: TextIO | None = None
    ) -> None:
        if stdin is None and sys.stdin is None:  # closed: no command will come
            stdin = io.StringIO()
        super().__init__(stdin=stdin, stdout=stdout or sys.stdout or io.StringIO())
        self.tape = tape
        self._frame = frame
        self._terminal = stdin is None and sys.stdin.isatty()
        self.use_rawinput = stdin is None and sys.stdout is not None  # input() serves terminals, pipes and notebooks

    def say(self, text: str) -> None:
        """Print."""
        self.stdout.write(text + "\n")
        self.stdout.flush()

    def show(self) -> None:
        """Show where we are."""
        step = self.tape.step
        self.say(explain.ending(self.tape) if step is None else explain.describe_step(self.tape, step))

    def _here(self) -> TracedStep | None:
        """The step that is looked at; where there is none any more, that is said."""
        step = self.tape.step
        if step is None:
            self.say("the pass is over, so there is no node here: back goes back to the last one")
        return step

    # -- looking -----------------------------------------------------------------------------------

    def do_p(self, arg: str) -> None:
        """``p EXPRESSION``: print a value.

        The node's own names are those in its rule: gy is what arrives, gx what goes to the input x, and x
        itself is what forward had. step, node, np and the variables of your program can be named too.
        """
        step = self._here() if arg else None
        if not arg:
            self.say("what should I print? For example: p gy, p step.norm, p node")
        elif step is not None:
            try:
                self.say(shown(eval(arg, self._names(step))))
            except Exception as error:
                names = ", ".join(self._named_here(step))
                self.say(f"{type(error).__name__}: {error}. Names at this node: {names}")

    def do_l(self, arg: str) -> None:
        """``l``: the code of this node's backward rule; beside each line that has run, the shapes of its values."""
        step = self._here()
        if step is not None:
            self.say(rule_with_shapes(step))

    def do_s(self, arg: str) -> None:
        """``s``: go into this node's rule with pdb, Python's own debugger; c or q there brings you back here.

        The rule runs once more, on the gradients that it had; what the pass has computed stays as it is.
        """
        step = self._here()
        if step is None:
            return
        debugger = (
            pdb.Pdb(nosigint=True)
            if self.use_rawinput
            else pdb.Pdb(stdin=self.stdin, stdout=self.stdout, nosigint=True)
        )
        before = sys.gettrace()
        try:
            debugger.runcall(step.node.backward, *step.grad_outputs)
        finally:
            sys.settrace(before)
        self.say(f"back in the stepper, at {step.name}")

    def do_why(self, arg: str) -> None:
        """``why [NAME]``: which contributions made this gradient, and from which lines. Without NAME, this node's.

        NAME is an input of this node (why x, or why gx), a node (why Fork#3: its output), or a leaf, such as a
        weight (why fc1.w).
        """
        step = self._here() if not arg else self.tape.step
        inputs = self._inputs(step) if step is not None else {}
        if arg:
            self.say(explain.why(self.tape, self.tape.value_named(arg, inputs)))
        elif step is not None:
            node = step.node
            # A fork's ways are one value: the one that it forks.
            outputs: list[Value] = [(node, slot) for slot in range(len(node.out_shapes))]
            values = [read_at(node, 0)] if isinstance(node, Fork) else outputs
            self.say("\n".join(explain.why(self.tape, value) for value in values))

    def do_u(self, arg: str) -> None:
        """``u``: your own line, in forward, that made this node, with the lines around it."""
        step = self._here()
        if step is not None:
            self.say(line_in_context(step.source))

    def do_ledger(self, arg: str) -> None:
        """``ledger``: for each fork that had its turn, what came over the skip and what over the branch."""
        found = self.tape.pairs.found
        ledger = self.tape.ledger()
        if found and not len(ledger):
            self.say(f"no fork has had its turn yet; {len(found)} {'is' if len(found) == 1 else 'are'} to come")
            return
        self.say(str(ledger))
        if len(ledger) < len(found):
            self.say(f"still to come: {len(found) - len(ledger)} of {len(found)} blocks")

    # -- names and completion ----------------------------------------------------------------------

    def _outside(self) -> dict[str, Any]:
        """The variables of the user's program."""
        return {} if self._frame is None else {**self._frame.f_globals, **self._frame.f_locals}

    def _names(self, step: TracedStep) -> dict[str, Any]:
        return {**self._outside(), **names_at(step)}

    def _named_here(self, step: TracedStep) -> list[str]:
        return [name for name in names_at(step) if name not in ("np", "self")]

    def _inputs(self, step: TracedStep) -> dict[str, Value]:
        """The values that can be asked for by the names at this node."""
        node = step.node
        values = [(i, read_at(node, i)) for i, x in enumerate(node.inputs) if isinstance(x, TensorBase)]
        return {name(node, i): value for i, value in values for name in (input_name, gradient_name)}

    def complete_p(self, text: str, line: str, begin: int, end: int) -> list[str]:
        """The names at this node."""
        step = self.tape.step
        return [] if step is None else [name for name in self._named_here(step) if name.startswith(text)]

    def complete_why(self, text: str, line: str, begin: int, end: int) -> list[str]:
        """Inputs of this node, nodes, and leaves."""
        step = self.tape.step
        here = self._inputs(step) if step is not None else ()
        return [name for name in [*here, *self.tape.values()] if name.startswith(text)]
