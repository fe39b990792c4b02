"""The stepper: a backward pass, one node at a time, under your hands; its commands are in pdb's spirit.

What is seen at a node is a picture of its whole turn: what arrived there, and what its rule made of it.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Sequence
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.inspect.changes.scaling import label_in_force
from minigrad.inspect.forks.graph import UnknownNameError
from minigrad.inspect.stepping.looking import Looking
from minigrad.inspect.stepping.stop_where import READY, condition_of, places
from minigrad.inspect.stepping.tape import Tape

try:
    import readline
except ImportError:  # Windows: no completion
    readline = None  # type: ignore[assignment]

#: pdb's longer names, and what they are short for here.
_LONG = {
    "next": "n", "step": "s", "break": "b", "continue": "c", "cont": "c", "print": "p", "pp": "p", "list": "l",
    "up": "u", "quit": "q", "exit": "q", "EOF": "q", "h": "help", "?": "help",
}  # fmt: skip
_HELP = """\
The backward pass visits the nodes of your net one by one, from the loss to the inputs. You are at one node.

  n            go on to the next node            (n 5: five nodes on)
  back         go one node back                  (nothing is lost: all gradients are kept)
  c            go on to the next breakpoint, or to the end of the pass; there: go on with your program
  b WHAT       set a breakpoint: b Fork, b Fork#3, b stage2.block1, b vanishing(1e-6), b if step.norm > 10
  clear        take all breakpoints away         (clear 2: the second)
  p WHAT       print a value: p gy, p gx, p x, or any expression
  l            the code of this node's backward rule, with the shapes that its values have
  s            go into this rule with pdb, Python's debugger (there: n next line, p NAME print, c come back)
  why NAME     which contributions made this gradient, and from which lines  (why: that of this node)
  u            your own line, in forward, that made this node
  ledger       what came over the skips, and what over the branches, so far
  q            leave: what is left of the pass runs by itself, and your program goes on

Enter alone repeats the last command, Tab completes names, help n says more about n."""


class Stepper(Looking):
    """The command loop; see `step`."""

    prompt = "(step) "
    _delimiters = ""

    # -- the loop ----------------------------------------------------------------------------------

    def preloop(self) -> None:
        """Show where the pass starts; let names with dots and a # be completed whole."""
        if self._terminal and readline is not None:
            self._delimiters = readline.get_completer_delims()
            readline.set_completer_delims(" \t\n")
        self.say("Stepping through backward, from the loss to the inputs. help lists the commands.")
        if label_in_force():
            self.say(f"Mind: {label_in_force()}")
        self.show()

    def postloop(self) -> None:
        """Give the terminal back as it was."""
        if self._terminal and readline is not None:
            readline.set_completer_delims(self._delimiters)

    def precmd(self, line: str) -> str:
        """Show a piped command as if it were typed; take pdb's longer names too."""
        if not self._terminal:
            self.say("" if line == "EOF" else line.rstrip("\n"))
        word, space, rest = line.strip().partition(" ")
        return _LONG.get(word, word) + space + rest

    def onecmd(self, line: str) -> bool:
        """Run a command; a name that doesn't exist is told, and is no reason to leave."""
        try:
            return super().onecmd(line)
        except UnknownNameError as error:
            self.say(str(error))
            return False

    def default(self, line: str) -> None:
        """Say what to do about a command that there isn't."""
        self.say(f"there is no command {line.split()[0]!r}. help lists them all; p {line} prints a value")

    # -- moving ------------------------------------------------------------------------------------

    def do_n(self, arg: str) -> None:
        """``n [COUNT]``: go on to the next node, or so many nodes on."""
        for _ in range(self._count(arg)):
            if not self.tape.forward():
                break
        self.show()

    def do_back(self, arg: str) -> None:
        """``back [COUNT]``: go one node back, or so many. All gradients are kept, so nothing is computed again."""
        if not self.tape.at:
            self.say("this is the first node of the pass: there is nothing before it")
            return
        for _ in range(self._count(arg)):
            self.tape.back()
        self.show()

    def _count(self, arg: str) -> int:
        if arg and not arg.isdigit():
            self.say(f"{arg!r} is no number of nodes, so I go one: write for example n 5")
        return int(arg) if arg.isdigit() else 1

    def do_c(self, arg: str) -> bool:
        """``c``: go on to the next breakpoint, or to the end of the pass. At the end: go on with your program."""
        if self.tape.step is None:
            return True
        hits = self.tape.to_breakpoint()
        for stop in hits:
            error = stop.hits[self.tape.at]
            no_answer = "" if error is None else f", which has no answer here: {type(error).__name__}: {error}"
            self.say(f"stopped by {stop.condition.text}{no_answer}")
        self.show()
        return False

    def do_q(self, arg: str) -> bool:
        """``q``: leave the stepper. What is left of the pass runs by itself, and your program goes on."""
        return True

    # -- breakpoints -------------------------------------------------------------------------------

    def do_b(self, arg: str) -> None:
        """``b WHAT``: set a breakpoint, for c to stop at. Without WHAT, list them.

        WHAT is a node (b Fork#3), a kind of node (b Fork), a module (b stage2.block1, or ``*.conv1``), or a
        condition: vanishing(1e-6), exploding(1e3), not_finite(), reaches("head"), skip_share_above(.9), joined
        by ``&`` and ``|``, with ``~`` for not; or b if EXPRESSION, as in b if step.norm > 10 or b if gy.max() > 1.
        """
        if not arg:
            stops = self.tape.breakpoints
            self.say("\n".join(f"{i}: {stop.condition.text}" for i, stop in enumerate(stops, 1)) or "no breakpoints")
            return
        try:
            stop = self.tape.add_breakpoint(condition_of(arg, self.tape, self._outside()))
        except UnknownNameError:
            raise
        except Exception as error:
            self.say(f"this condition can't be used: {type(error).__name__}: {error}")
            return
        self.say(f"breakpoint {len(self.tape.breakpoints)}: {stop.condition.text}")

    def do_clear(self, arg: str) -> None:
        """``clear [NUMBER]``: take all breakpoints away, or one of them by its number, as b lists them."""
        stops = self.tape.breakpoints
        if not arg:
            stops.clear()
        elif arg.isdigit() and 1 <= int(arg) <= len(stops):
            del stops[int(arg) - 1]
        else:
            self.say(f"there is no breakpoint {arg}")
        self.do_b("")

    def complete_b(self, text: str, line: str, begin: int, end: int) -> list[str]:
        """Nodes, kinds, modules and conditions."""
        return [name for name in [*places(self.tape), *(f"{ready}(" for ready in READY)] if name.startswith(text)]

    def do_help(self, arg: str) -> None:
        """``help [COMMAND]``: all commands, or one in more words."""
        text = getattr(self, f"do_{_LONG.get(arg, arg)}", None) if arg else None
        if text is None:
            self.say(_HELP if not arg else f"there is no command {arg!r}; help lists them all")
        else:
            self.say(inspect.cleandoc(text.__doc__).replace("``", ""))


def step(
    loss: TensorBase, gradient: Any = None, *, retain_graph: bool = False, commands: Sequence[str] | None = None
) -> None:
    """Step through the backward pass of ``loss``, node by node; ``help`` there lists the commands.

    Afterwards all is as after ``loss.backward()``, however early it was left. Commands come from the
    terminal, or from a file or pipe that stands in for it.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of its shape.
    retain_graph
        Keep the graph for another pass.
    commands
        Commands to run instead of asking for them, as in a notebook or in a test.

    Raises
    ------
    OperationError
        For a loss that is no scalar, that has no graph, or whose graph was freed.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> step(mg.skip.residual_add(s, 0.5 * b).sum(), commands=["b Fork", "c", "p gx", "q"])
    Stepping through backward, from the loss to the inputs. help lists the commands.
    [1 of 4] Sum...
    (step) b Fork
    breakpoint 1: Fork
    (step) c
    stopped by Fork
    [4 of 4] Fork...
    ...
    (step) p gx
    [1.5 1.5]
    shape (2,), float32, norm 2.121
    (step) q
    """
    stdin = None if commands is None else io.StringIO("".join(f"{line}\n" for line in commands))
    tape = Tape(loss, gradient)
    try:
        Stepper(tape, sys._getframe(1), stdin).cmdloop()
    finally:
        tape.close(retain_graph)
