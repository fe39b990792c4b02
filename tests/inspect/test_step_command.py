"""``minigrad step FILE``: a script's first backward, under the stepper."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

import minigrad as mg

RUN = """
import argparse, sys
from minigrad.inspect.commands import add_commands
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
def test_q_or_the_end_of_the_pipe_ends_the_script(step, commands):
    found = step(SCRIPT, commands)
    assert found.returncode == 0, found.stderr
    assert "pass 0" not in found.stdout
    assert found.stderr == ""


def test_q_is_not_caught_by_the_script(step):
    found = step("""
        import minigrad as mg
        try:
            mg.ones(1, requires_grad=True).sum().backward()
        except Exception:
            print("caught")
        """, "q\n")  # fmt: skip
    assert found.returncode == 0
    assert "caught" not in found.stdout


def test_a_script_without_a_backward_is_told_so(step):
    found = step("print('hello')")
    assert found.returncode == 1
    assert "hello" in found.stdout
    assert "ended without a backward(), so there was nothing to step through" in found.stderr


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


def test_a_call_for_some_inputs_only_is_left_alone(step):
    found = step("""
        import minigrad as mg
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        (x * 3).sum().backward(inputs=[x])
        print("now")
        (x * 3).sum().backward()
        """, "c\nc\n")  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.index("now") < found.stdout.index("Stepping")


def test_a_file_that_is_not_there(step, run_python):
    found = run_python(RUN, "step", "nowhere.py")
    assert "there is no file 'nowhere.py' here: give the path of a Python script" in found.stderr
