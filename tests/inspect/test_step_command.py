"""``minigrad step FILE``: a script's first backward pass, under the stepper."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap

import pytest

import minigrad as mg
from minigrad import inspect
from minigrad.inspect.stepping.takeover import TakeOver

RUN = """
import argparse, sys
from minigrad.inspect.stepping.commands import add_commands
parser = argparse.ArgumentParser()
add_commands(parser.add_subparsers())
arguments = parser.parse_args(sys.argv[1:])
sys.exit(arguments.run(arguments))
"""

SCRIPT = """
import sys
import minigrad as mg
import beside_it

x = mg.tensor([1.0, 2.0], requires_grad=True)
for i in range(2):
    s, b = mg.skip.fork(x)
    mg.skip.residual_add(s, b * 0.5).sum().backward()
    print("pass", i, x.grad.tolist(), sys.argv[1:], __name__)
"""


@pytest.fixture
def step(tmp_path):
    """Run ``minigrad step`` on a script's text with commands piped in."""

    def run(script, commands="", *arguments):
        (tmp_path / "beside_it.py").write_text("")
        folder = tmp_path / "scripts"
        folder.mkdir(exist_ok=True)
        (folder / "beside_it.py").write_text("")
        (folder / "train.py").write_text(textwrap.dedent(script))
        return subprocess.run(
            [sys.executable, "-c", RUN, "step", "scripts/train.py", *arguments],
            input=commands, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mg.__file__))},
        )  # fmt: skip

    return run


def test_it_takes_over_at_the_first_backward_and_c_goes_on(step):
    found = step(SCRIPT, "b Fork\nc\np i\nu\nc\nc\n", "--epochs", "3")
    assert found.returncode == 0, found.stderr
    out = found.stdout
    assert out.count("Stepping through backward") == 1
    assert "[4 of 4] Fork" in out
    assert "they pull together" in out
    assert "(step) p i\n0\n" in out  # a variable of the script
    assert "train.py:8, in <module>" in out
    assert "pass 0 [1.5, 1.5] ['--epochs', '3'] __main__" in out
    assert "pass 1 [3.0, 3.0]" in out


@pytest.mark.parametrize("commands", ["n\nq\n", "n\n", ""])
def test_after_q_or_the_end_of_the_pipe_the_script_goes_on(step, commands):
    found = step(SCRIPT, commands)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert found.stdout.count("Stepping through backward") == 1
    assert "pass 1 [3.0, 3.0]" in found.stdout


PASSES = {
    "backward": "loss.backward()\nfound = x.grad",
    "backward_inputs": "loss.backward(inputs=[x])\nfound = x.grad",
    "trace": "trace = mg.inspect.trace(loss)\nfound = x.grad\nprint(len(trace), trace.ledger()[0].skip_share)",
    "norms": "trace = mg.inspect.trace(loss, keep='norms')\nfound = x.grad\nprint(trace.ledger()[0].norm_in)",
    "by_hand": "for step in mg.backward_steps(loss):\n    print('by hand', step.node, vars(step.node))\nfound = x.grad",
    "grad": "(found,) = mg.grad(loss, x)\nprint(x.grad)",
    "create_graph": "(g,) = mg.grad(loss, x, create_graph=True)\n(found,) = mg.grad(g.square().sum(), x)",
    "what_if": "print(mg.inspect.what_if(loss, mg.inspect.cut('skip'), wrt={'x': x}))\nfound = x",
    "two": "(found,) = mg.grad([x.sum() * 2, loss], x)",
}
NET = """
import minigrad as mg
x = mg.tensor([1.0, 2.0], requires_grad=True)
x.register_hook(lambda g: print("hook", g.tolist()))
s, b = mg.skip.fork(x)
loss = mg.skip.residual_add(s, b * b).sum()
{}
print("found", found.tolist())
for p in (x * 2).sum(), (x * 3).sum():
    p.backward()
"""


@pytest.mark.parametrize("kind", PASSES)
def test_the_first_pass_of_any_kind_is_taken_over(step, run_python, kind):
    """Apart from what the stepper shows, the script does what it does without it: each gradient comes once."""
    script = NET.format(PASSES[kind])
    alone = run_python(script)
    assert alone.returncode == 0, alone.stderr
    found = step(script, "b Fork\nc\nwhy\nledger\nback\nc\nn\nc\nc\n")
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("Stepping through backward") == 1
    assert "[1 of " in found.stdout
    assert _without_numbers(found.stdout).endswith(_without_numbers(alone.stdout))
    assert found.stdout.count("hook") == alone.stdout.count("hook")


def _without_numbers(output):
    """What was printed, but for the nodes' numbers and what a hook printed during the pass."""
    lines = output.splitlines(keepends=True)
    return re.sub(r"#\d+", "", "".join(line for line in lines if not line.startswith("hook")))


def test_a_pass_that_the_script_itself_steps_through_is_the_first(step):
    found = step(NET.format("mg.inspect.step(loss)\nfound = x.grad"), "q\n")
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("Stepping through backward") == 1
    assert "found [3.0, 5.0]" in found.stdout


def test_the_script_s_own_variables_are_at_hand(step):
    found = step("""
        import minigrad as mg
        def train(number):
            x = mg.ones(2, requires_grad=True)
            return mg.grad((x * number).sum(), x)
        train(5.0)
        """, "p number\nu\nq\n")  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "(step) p number\n5.0\n" in found.stdout
    assert "train.py:5, in train" in found.stdout


def test_a_trace_is_the_same_under_the_stepper(mixed, capsys):
    loss = mixed[0]
    alone = inspect.trace(loss, retain_graph=True)
    with TakeOver(io.StringIO("n\n")) as taken:
        stepped = inspect.trace(loss)
    assert taken.done
    assert inspect.diff(alone, stepped).same
    assert str(alone.ledger()) == str(stepped.ledger())
    assert all(step.node.released for step in stepped)
    assert capsys.readouterr().out.count("Stepping") == 1


def test_a_pass_without_a_node_is_let_through(capsys):
    x = mg.ones(2, requires_grad=True)
    with TakeOver(io.StringIO()) as taken:
        x.backward(mg.ones(2))
    assert not taken.done
    assert x.grad.tolist() == [1, 1]
    assert not capsys.readouterr().out


def test_the_picture_s_own_pass_is_let_through(step):
    found = step("""
        import minigrad as mg
        x = mg.ones(2, requires_grad=True)
        mg.inspect.outline((x * 2).sum())
        print("now")
        (x * 3).sum().backward()
        """, "q\n")  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.index("now") < found.stdout.index("Stepping")


def test_a_script_without_a_backward_is_told_so(step):
    found = step("print('hello')")
    assert found.returncode == 1
    assert "hello" in found.stdout
    assert "ended without a backward pass, so there was nothing to step through" in found.stderr


def test_a_scripts_own_error_is_shown_as_python_shows_it(step):
    found = step("def f():\n    raise ValueError('mine')\nf()\n")
    assert found.returncode == 1
    assert found.stderr.startswith("Traceback (most recent call last):\n")
    assert 'train.py", line 3, in <module>' in found.stderr
    assert "runpy" not in found.stderr
    assert "ValueError: mine" in found.stderr


def test_a_scripts_own_exit_code_stands(step):
    assert step("import sys\nsys.exit(5)\n").returncode == 5


def test_arguments_of_backward_are_kept(step):
    found = step("""
        import minigrad as mg
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.backward(mg.tensor([1.0, 10.0]), retain_graph=True)
        y.backward(mg.tensor([1.0, 10.0]))
        print(x.grad.tolist())
        """, "p gy\nc\nc\n")  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "[ 1. 10.]" in found.stdout
    assert "[6.0, 60.0]" in found.stdout


def test_a_file_that_is_not_there(step, run_python):
    found = run_python(RUN, "step", "nowhere.py")
    assert "there is no file 'nowhere.py' here: give the path of a Python script" in found.stderr
