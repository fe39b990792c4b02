"""The stepper, driven by commands; and once through a pseudo-terminal, with real pdb."""

from __future__ import annotations

import io
import os
import pkgutil
import re
import select
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn, skip
from minigrad.inspect.stepping.stepper import Stepper
from minigrad.inspect.stepping.tape import Tape


def small():
    """Two leaves, one explicit fork: Sum, ResidualAdd, Mul (the branch), Fork."""
    x = mg.tensor([1.0, 2.0], requires_grad=True, dtype=mg.float64)
    w = mg.tensor([0.5, 3.0], requires_grad=True, dtype=mg.float64)
    s, b = skip.fork(x)
    return skip.residual_add(s, w * b).sum(), x, w


@pytest.fixture
def told(capsys):
    """Run the stepper on commands; gives what it showed after each of them."""

    def run(loss, *commands, **options):
        my_own = 17  # a variable of the program that calls the stepper
        inspect.step(loss, commands=commands, **options)
        assert my_own == 17
        return capsys.readouterr().out.split("(step) ")

    return run


def test_afterwards_all_is_as_after_backward_however_early_it_was_left(told, mixed):
    loss, x, net = mixed
    loss.backward(retain_graph=True)
    expected = [p.grad.array.copy() for p in (x, *net.parameters())]
    for commands in (["q"], [], ["n 3", "back 2", "q"], ["c", "c"]):
        for p in (x, *net.parameters()):
            p.grad = None
        told(loss, *commands, retain_graph=True)
        for p, g in zip((x, *net.parameters()), expected, strict=True):
            np.testing.assert_array_equal(p.grad.array, g)


@pytest.mark.parametrize("which", ["mixed", "resnet"])
def test_every_looking_command_works_at_every_node(told, request, which):
    loss, _, _ = request.getfixturevalue(which)
    count = len(Tape(loss).graph.nodes)
    out = told(loss, *["l", "why", "u", "p node", "ledger", "n"] * count, "why", "q")
    assert "Error" not in "".join(out)
    assert all(f"[{i} of {count}]" in "".join(out) for i in range(1, count + 1))
    assert "The pass is over" in out[-3]


def test_an_operation_is_told_apart_from_the_layer_of_the_same_name(told):
    """Of a node the stepper says the operation, in full and as pdb takes it, and the path of the layer that ran."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3), nn.Softmax(1), nn.LayerNorm(3))
    shown = told(net(mg.randn(2, 1, 4, 4)).pow(2).sum(), "n", *["n"] * 6, "q")
    found = {}
    for text in shown[1:]:
        node = re.search(r"\] (\w+)#\d+ in '(\d)'", text)
        if node:
            found[node[1]] = node[2], re.search(r"\n  rule     (\S+)\.backward\n", text)[1]
    for kind, path in {"Conv2d": "0", "ReLU": "1", "Linear": "3", "Softmax": "4", "LayerNorm": "5"}.items():
        where, rule = found[kind]
        operation = pkgutil.resolve_name(rule)
        assert where == path
        assert type(net[int(path)]) is getattr(nn, kind)
        assert issubclass(operation, mg.Node)
        assert operation is not getattr(nn, kind)


def test_the_graph_is_freed_as_by_backward(told):
    loss, *_ = small()
    told(loss, "n", "q")
    with pytest.raises(mg.OperationError, match="freed by an earlier backward"):
        loss.backward()


def test_n_and_back_move_by_one_or_by_many(told):
    loss, *_ = small()
    out = told(loss, "n", "n 2", "back", "back 9", "back", "q")
    where = [re.findall(r"^\[(\d) of 4\] (\w+)", part, re.M) for part in out]
    assert [w[0] for w in where if w] == [("1", "Sum"), ("2", "ResidualAdd"), ("4", "Fork"), ("3", "Mul"), ("1", "Sum")]
    assert "nothing before it" in out[5]


def test_the_first_step_counts_no_leaf_and_the_end_counts_them_all(told):
    loss, x, _ = small()
    out = told(loss, "p x", "c", "n", "l", "back", "c", "c")
    assert "The pass is over: 4 nodes, and gradients in .grad of 2 leaves" in out[2]
    assert "The pass is over" in out[3]
    assert "no node here" in out[4]
    assert "Fork" in out[5]
    assert x.grad.tolist() == [1.5, 4.0]


def test_a_fork_shows_its_two_contributions_before_and_after_they_merge(told):
    loss, *_ = small()
    (shown,) = [part for part in told(loss, "n 3", "q") if "Fork" in part and "4 of 4" in part]
    assert re.search(r"before +skip: g0 +\(2,\) +norm 1\.414 +from ResidualAdd", shown)
    assert re.search(r"before +branch: g1 +\(2,\) +norm 3\.041 +from Mul", shown)
    assert re.search(r"after +their sum: gx +\(2,\) +norm 4\.272 +to x; cosine 0\.814: they pull together", shown)


def test_a_value_that_is_read_twice_shows_its_parts_too(told):
    x = mg.tensor([1.0, 2.0], requires_grad=True, dtype=mg.float64)
    h = x * 2
    out = told((h + h * -0.5).sum(), "c", "back", "q")
    assert "its value is read 2 times" in out[2]
    assert re.search(r"before +skip: ga .*norm 1\.414", out[2])
    assert re.search(r"before +branch: ga .*norm 0\.7071", out[2])
    assert re.search(r"after +their sum .*norm 0\.7071 +cosine -1\.000: they work against each other", out[2])


def test_p_knows_the_names_of_the_rule_and_of_the_program(told):
    loss, x, w = small()
    out = told(loss, "n 2", "p ga", "p gb", "p a * 2", "p step.norm", "p my_own + 1", "p nothing", "p", "q")
    assert "[1. 2.]\nshape (2,), float64, norm 2.236" in out[2]
    assert "[0.5 3. ]" in out[3]
    assert "[1. 6.]" in out[4]
    assert "1.414" in out[5]
    assert "\n18\n" in out[6]
    assert "NameError" in out[7]
    assert "Names at this node: step, node, grad_outputs, grad_inputs, gy, a, ga, b, gb" in out[7]
    assert "what should I print" in out[8]


def test_l_shows_the_rule_with_the_shapes_and_which_lines_ran(told):
    loss, *_ = small()
    out = told(loss, "n 3", "l", "q")[2]
    assert "Fork.backward, skip.py:" in out
    assert re.search(r"> +gx = grads\[0\] +# gx \(2,\), grads 2 x \(2,\)", out)
    assert re.search(r"> +gx = gx \+ g +# gx \(2,\), g \(2,\)", out)


def test_l_marks_the_lines_that_did_not_run(told):
    x = mg.ones(3, 2, requires_grad=True)
    out = told(nn.Linear(2, 4)(x).sum(), "n", "l", "q")[2]
    assert re.search(r"\d > +elif type\(rows\) is ndarray and ", out)
    assert re.search(r"\d {3,}gb = unbroadcast\(gy, self\.b_shape\)$", out, re.M)
    assert re.search(r"gx = _product\(gy, w\) if wants_x else None +# gx \(3, 2\), gy \(3, 4\), w \(4, 2\)", out)


def test_why_names_contributions_and_lines(told):
    loss, *_ = small()
    out = told(loss, "why", "why x", "why a leaf", "n 3", "why", "why x", "why ResidualAdd", "q")
    assert "is where the pass starts: its gradient was given, 1." in out[1]
    assert "made of 1 contribution" in " ".join(out[2].split())
    assert "there is no value 'a leaf'" in out[3]
    for part in out[5:7]:
        assert "norm 4.272, is made of 2 contributions" in part
        assert re.search(r"ResidualAdd#\d+ +g_skip +1\.414 +30 % +test_stepper\.py:\d+: ret", part)
        assert re.search(r"Mul#\d+ +gb +3\.041 +70 %", part)
    assert "The nearest: 'ResidualAdd#" in out[7]


def test_why_says_what_is_still_awaited(told, resnet):
    loss, _, _ = resnet
    name = next(name for name, value in Tape(loss).values().items() if isinstance(value, mg.Tensor))
    assert "nothing has come to the leaf" in told(loss, f"why {name}", "q")[1]


def test_why_tells_of_a_hook(told):
    x = mg.tensor([1.0], requires_grad=True)
    h = x * 2
    h.register_hook(lambda g: g * 10)
    assert "a hook changed it" in told((h * 3).sum(), "n 2", "why", "q")[2]


def test_u_shows_the_line_that_made_the_node(told):
    loss, *_ = small()
    out = told(loss, "n", "u", "q")[2]
    assert "in small" in out
    assert re.search(r"-> +return skip\.residual_add\(s, w \* b\)\.sum\(\)", out)


def test_ledger_so_far(told):
    net = nn.Sequential(*[nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Tanh())) for _ in range(2)])
    loss = net(mg.randn(2, 3).requires_grad_()).sum()
    out = told(loss, "ledger", "b Fork", "c", "ledger", "c", "ledger", "q")
    assert "no fork has had its turn yet; 2 are to come" in out[1]
    assert "still to come: 1 of 2 blocks" in out[4]
    assert "still to come" not in out[6]


def test_the_ledger_at_the_end_is_that_of_a_trace(told, mixed):
    loss, _, _ = mixed
    expected = str(inspect.trace(loss, retain_graph=True).ledger())
    assert expected in told(loss, "c", "ledger", "q")[2]


def test_the_ledger_goes_back_too(told):
    loss, *_ = small()
    out = told(loss, "n 3", "ledger", "back", "ledger", "q")
    assert "share" in out[2]
    assert "no fork has had its turn yet" in out[4]


@pytest.mark.parametrize(
    ("what", "stops"),
    [
        ("Fork", ["Fork"]),
        ("if step.norm > 1.2", ["ResidualAdd", "Mul", "Fork"]),
        ("if g0.max() > 0", ["Fork"]),
        ("exploding(1.2) & ~vanishing(3)", ["Fork"]),
        ("skip_share_above(0.2)", ["Fork"]),
        ("skip_share_above(0.9)", []),
        ("(lambda step: step.norm > 3)", ["Fork"]),
    ],
)
def test_breakpoints(told, what, stops):
    loss, *_ = small()
    out = told(loss, f"b {what}", *["c"] * (len(stops) + 1), "q")
    found = [re.search(r"of 4\] (\w+)", part) for part in out[2:]]
    assert [m[1] for m in found if m] == stops
    assert "breakpoint 1: " in out[1]
    assert "lambda" in what or what in out[1]


def test_a_condition_without_an_answer_stops_and_says_so(told):
    loss, *_ = small()
    out = told(loss, "b if step.norm.nothing", "b if g0.nothing", "c", "q")
    assert "this condition can't be used: AttributeError" in out[1]
    assert "stopped by if g0.nothing, which has no answer here: AttributeError" in out[3]
    assert "of 4] Fork" in out[3]


def test_breakpoints_at_modules_and_nodes_and_after_going_back(told):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Tanh()), nn.Linear(2, 1))
    loss = net(mg.ones(1, 2)).sum()
    name = loss.node.inputs[0].node.name
    out = told(loss, "b 1", "c", "c", "back 3", "c", "b", "clear 1", f"b {name}", "b", "c", "back 9", "c", "clear", "q")
    assert "Tanh" in out[2]
    assert "in '1.0'" in out[3]
    assert "Tanh" in out[5]  # found again after going back
    assert "1: 1" in out[6]
    assert f"1: {name}" in out[9]
    assert "The pass is over" in out[10]
    assert f"stopped by {name}" in out[12]
    assert "no breakpoints" in out[13]


def test_names_that_do_not_exist_are_met_with_the_nearest(told):
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    out = told(net(mg.ones(1, 2)).sum(), "b Linaer", "b reaches('O')", "b if stp.norm > 1", "b 1 +", "b vanishing(0)",
               "b (1)", "frobnicate", "help frobnicate", "q")  # fmt: skip
    assert "The nearest: 'Linear'" in out[1]
    assert "there is no module 'O'" in out[2]
    assert "there is no name 'stp'" in out[3]
    assert "step" in out[3]
    assert "there is no node or module '1 +'" in out[4]
    assert "must be above 0" in out[5]
    assert "a condition is a function of a step" in out[6]
    assert "help lists them all" in out[7]
    assert "there is no command" in out[8]


def test_help_and_pdbs_longer_names_and_repeating(told):
    loss, *_ = small()
    out = told(loss, "help", "help n", "help break", "?", "next", "", "continue", "quit")
    assert "the backward pass visits the nodes" in out[1].lower()
    assert "n [COUNT]: go on to the next node" in out[2]
    assert "skip_share_above(.9)" in out[3]
    assert "The backward pass" in out[4]
    assert "2 of 4" in out[5]
    assert "3 of 4" in out[6]
    assert "The pass is over" in out[7]


def test_every_command_has_help():
    commands = [name[3:] for name in dir(Stepper) if name.startswith("do_")]
    for name in commands:
        assert getattr(Stepper, f"do_{name}").__doc__.startswith(f"``{name}"), name


def test_s_stops_inside_the_rule_in_pdb_and_comes_back(told):
    loss, x, w = small()
    out = told(loss, "n 3", "s", "n", "n", "p gx", "p g", "c", "p gx", "q")
    everything = "(step) ".join(out)
    assert "skip.py" in everything
    assert "backward()" in everything
    assert "-> gx = grads[0]" in everything
    assert "(Pdb) array([1., 1.])" in everything  # gx, before the branch's part is added
    assert "back in the stepper, at Fork" in everything
    assert "[1.5 4. ]" in everything
    assert x.grad.tolist() == [1.5, 4.0]  # and not twice that


def test_s_leaves_another_debugger_in_place(told):
    def tracer(frame, event, argument):
        return None

    loss, *_ = small()
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        told(loss, "s", "c", "l", "q")
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_completion():
    loss, *_ = small()
    stepper = Stepper(Tape(loss), None, io.StringIO())
    assert stepper.complete_b("Fo", "b Fo", 2, 4)[0] == "Fork"
    assert stepper.complete_b("van", "b van", 2, 5) == ["vanishing("]
    assert stepper.complete_p("g", "p g", 2, 3) == ["grad_outputs", "grad_inputs", "gy", "gx"]
    assert "x" in stepper.complete_why("", "why ", 4, 4)
    assert stepper.completenames("led") == ["ledger"]


def test_a_change_in_force_is_said(told):
    loss, *_ = small()
    with inspect.cut("skip"):
        out = told(loss, "c", "ledger", "q")
    assert "not the gradient of any trained function" in out[0]
    assert "not the gradient of any trained function" in out[2]


def test_bad_losses():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(mg.OperationError, match="gradient of a non-scalar"):
        inspect.step(x * 2, commands=[])
    with pytest.raises(mg.OperationError, match="this tensor has no graph"):
        inspect.step(x, commands=[])
    y = (x * 2).sum()
    y.backward()
    with pytest.raises(mg.OperationError, match="freed by an earlier backward"):
        inspect.step(y, commands=[])


def test_a_net_without_skips_has_no_ledger(told):
    out = told(nn.Linear(2, 1)(mg.ones(1, 2)).sum(), "ledger", "b skip_share_above(.5)", "q")
    assert "there is no skip connection in this graph" in out[1].replace("\n", " ")
    assert "there is no skip connection" in out[2]


def test_commands_piped_in():
    code = "import minigrad as mg\nx = mg.ones(2, requires_grad=True)\nmg.inspect.step((x * 3).sum())\nprint(x.grad)\n"
    found = subprocess.run(
        [sys.executable, "-c", code],
        input="n\np gb\n",  # and then the pipe ends
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mg.__file__))},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "(step) n\n[2 of 2] Mul" in found.stdout
    assert "(step) p gb\n" in found.stdout
    assert "tensor([3., 3.]" in found.stdout


def test_with_kernels_in_numpy_pdb_goes_down_into_the_kernel():
    code = "import minigrad as mg\nx = mg.ones(2, requires_grad=True)\nmg.inspect.step(x.tanh().sum(), commands=%r)\n"
    found = subprocess.run(
        [sys.executable, "-c", code % ["n", "s", "n", "s", "n", "w", "c", "q"]],
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mg.__file__)), "MINIGRAD_KERNELS": "numpy"},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert re.search(r"kernels/elementwise\.py\(\d+\)tanh_backward\(\)", found.stdout)


SCRIPT = """
import minigrad as mg
from minigrad import inspect, skip

x = mg.tensor([1.0, 2.0], requires_grad=True)
s, b = skip.fork(x)
loss = skip.residual_add(s, b * 0.5).sum()
inspect.step(loss)
print("gradient", x.grad.tolist())
"""


class Terminal:
    """A program behind a pseudo-terminal: type a line, and read up to what is expected."""

    def __init__(self, command, **environment):
        import pty

        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, start_new_session=True,
            env={**os.environ, "TERM": "dumb", **environment},
        )  # fmt: skip
        os.close(theirs)

    def until(self, text, seconds=120):
        """What comes up to ``text``, and this text."""
        seen = b""
        end = time.monotonic() + seconds
        while text.encode() not in seen:
            ready, _, _ = select.select([self.ours], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited for {text!r}, and saw {seen.decode()!r}"
            try:
                seen += os.read(self.ours, 4096)
            except OSError:  # the program has ended
                raise AssertionError(f"ended before {text!r}: {seen.decode()!r}") from None
        return seen.decode().replace("\r\n", "\n")

    def type(self, line, then):
        """Type a line, and read on."""
        os.write(self.ours, line.encode() + (b"" if line.endswith("\t") else b"\n"))
        return self.until(then)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


def test_in_a_terminal_with_real_pdb(tmp_path):
    pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    try:
        terminal = Terminal(
            [sys.executable, str(script)], PYTHONPATH=os.path.dirname(os.path.dirname(mg.__file__)), HOME=str(tmp_path)
        )
    except OSError as error:
        pytest.skip(f"no pseudo-terminal to be had here: {error}")
    try:
        assert "[1 of 4] Sum" in terminal.until("(step) ")
        assert "breakpoint 1: Fork" in terminal.type("b Fork", "(step) ")
        assert "they pull together" in terminal.type("c", "(step) ")
        assert "-> gx = grads[0]" in terminal.type("s", "(Pdb) ")
        terminal.type("n", "(Pdb) ")
        assert "array([1., 1.], dtype=float32)" in terminal.type("p gx", "(Pdb) ")
        assert "Fork" in terminal.type("p self", "(Pdb) ")
        assert "back in the stepper, at Fork" in terminal.type("c", "(step) ")
        assert "[1.5 1.5]" in terminal.type("p gx", "(step) ")
        assert "ledger" in terminal.type("led\t", "ledger")  # Tab completes
        assert "share" in terminal.type("", "(step) ")
        assert "gradient [1.5, 1.5]" in terminal.type("q", "gradient [1.5, 1.5]")
        assert terminal.process.wait(60) == 0
    finally:
        terminal.close()
