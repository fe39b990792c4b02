"""Breakpoints stop where they say, by calling ``breakpoint()``."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn, skip


@pytest.fixture
def stops(monkeypatch):
    """In the place of a debugger: the frames in which it would open."""
    frames = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: frames.append(dict(sys._getframe(1).f_locals)))
    return frames


def chain(factor, n=6):
    """The loss of x * factor * factor ...; each product scales the gradient."""
    x = mg.tensor([1.0], requires_grad=True, dtype=mg.float64)
    y = x
    for _ in range(n):
        y = y * factor
    return y.sum(), x


def test_it_stops_once_at_the_first_step_where_the_condition_holds(stops):
    loss, x = chain(0.1)
    with inspect.stop_when(lambda step: step.norm < 1.5e-3) as stop:
        loss.backward()
        chain(0.1)[0].backward()
    assert len(stops) == 1
    assert stop.stopped is stops[0]["step"]
    assert stop.stopped.norm == pytest.approx(1e-3, rel=1e-12)
    np.testing.assert_allclose(x.grad.array, 1e-6, rtol=1e-12)


def test_the_steps_parts_have_names_there(stops):
    loss, _ = chain(3.0, n=1)
    with inspect.stop_when(lambda step: step.name.startswith("Mul")):
        loss.backward()
    found = stops[0]
    assert found["node"].name.startswith("Mul")
    assert found["grad_outputs"][0].tolist() == [1.0]
    assert found["grad_inputs"][0].tolist() == [3.0]
    assert not found["grad_inputs"][0].flags.writeable


def test_it_says_where_and_why(stops, capsys):
    net = nn.Sequential(nn.Linear(2, 2))
    with inspect.stop_when(inspect.reaches("0")):
        net(mg.ones(1, 2)).sum().backward()
    said = capsys.readouterr().out
    assert "minigrad: reaches('0') holds at Linear#" in said
    assert "in '0', where a gradient of norm 1.414 arrives" in said


def test_nothing_happens_where_it_never_holds(stops):
    loss, _ = chain(0.1)
    with inspect.stop_when(inspect.exploding(2.0)) as stop:
        loss.backward()
    assert not stops
    assert stop.stopped is None


@pytest.mark.parametrize(
    ("condition", "factor", "norm"),
    [
        (inspect.vanishing(1.5e-3), 0.1, 1e-3),
        (inspect.vanishing(1e-200), 1e-50, 1e-250),  # squares underflow long before
        (inspect.vanishing(), 0.0, 0.0),
        (inspect.exploding(500.0), 10.0, 1000.0),
        (inspect.exploding(), np.inf, np.inf),
        (inspect.exploding(1e3) | inspect.vanishing(1e-3), 1e-4, 1e-4),
        (inspect.vanishing(0.5) & inspect.vanishing(1e-3), 0.1, 1e-4),
        (~inspect.exploding(1.1e-2), 0.1, 1e-2),
        ((lambda step: step.norm < 0.5) & inspect.vanishing(1e-3), 0.1, 1e-4),
        ((lambda step: step.norm > 50) | inspect.vanishing(1e-3), 10.0, 100.0),
        (inspect.vanishing(1e-3) | (lambda step: step.norm > 50), 10.0, 100.0),
    ],
)
def test_ready_made_conditions_and_their_combinations(stops, condition, factor, norm):
    loss, _ = chain(factor)
    with inspect.stop_when(condition) as stop:
        loss.backward()
    assert stop.stopped.norm == pytest.approx(norm, rel=1e-12, abs=0)


def test_a_nan_neither_vanishes_nor_explodes(stops):
    loss, _ = chain(np.nan)
    with inspect.stop_when(inspect.vanishing() | inspect.exploding()) as stop:
        loss.backward()
    assert stop.stopped is None


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_not_finite_stops_at_the_rule_that_makes_it(stops, factor):
    x = mg.tensor([1.0], requires_grad=True, dtype=mg.float64)
    h = x * 2
    bad = h * factor
    with inspect.stop_when(inspect.not_finite()) as stop:
        (bad * 3).sum().backward()
    assert stop.stopped.node is bad.node
    assert stop.stopped.norm == 3.0  # what arrived was finite


def test_reaches_takes_a_path_all_below_it_or_a_glob(stops):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Tanh()), nn.Linear(2, 1))
    for path, module in (("1", "1.1"), ("1.0", "1.0"), ("*.0", "1.0"), ("0", "0")):
        with inspect.stop_when(inspect.reaches(path)) as stop:
            net(mg.ones(1, 2)).sum().backward()
        assert stop.stopped.module == module


def test_reaches_offers_the_nearest_names(stops):
    net = nn.Sequential()
    net.add_module("stage2", nn.Sequential(nn.Linear(2, 2)))
    with (
        pytest.raises(inspect.UnknownNameError, match=r"there is no module 'stage3'. The nearest: 'stage2'"),
        inspect.stop_when(inspect.reaches("stage3")),
    ):
        net(mg.ones(1, 2)).sum().backward()


def two_blocks(explicit):
    """Shares of the skip: 1/1.25 at the later block, 1/3 at the earlier."""
    x = mg.tensor([1.0, 1.0], requires_grad=True, dtype=mg.float64)
    y = x * 1.0
    for w in (2.0, 0.25):
        if explicit:
            s, b = skip.fork(y)
            y = skip.residual_add(s, b * w)
        else:
            y = y + y * w
    return y.sum()


@pytest.mark.parametrize("explicit", [True, False])
def test_skip_share_above_at_the_fork_or_where_the_forked_value_was_made(stops, explicit):
    shares = [row.skip_share for row in inspect.trace(two_blocks(explicit)).ledger()]
    np.testing.assert_allclose(shares, [1 / 3, 1 / 1.25], rtol=1e-12)
    for limit, kind in ((0.9, None), (0.7, "Fork" if explicit else "Add")):
        with inspect.stop_when(inspect.skip_share_above(limit)) as stop:
            two_blocks(explicit).backward()
        assert (stop.stopped and type(stop.stopped.node).__name__) == kind


def test_skip_share_above_in_combination_follows_the_whole_pass(stops):
    # reaches() says no until late; the ledger must have seen the join all the same.
    net = nn.Sequential(*[nn.Residual(nn.Linear(3, 3)) for _ in range(3)])
    for p in net.parameters():
        p.array[...] = 0.0
    condition = inspect.reaches("0") & inspect.skip_share_above(0.99)
    with inspect.stop_when(condition) as stop:
        net(mg.ones(1, 3, requires_grad=True)).sum().backward()
    assert (type(stop.stopped.node).__name__, stop.stopped.module) == ("Fork", "0")


def test_skip_share_of_some_blocks_and_where_there_is_none(stops):
    net = nn.Sequential(*[nn.Residual(nn.Linear(3, 3)) for _ in range(2)])
    for p in net.parameters():
        p.array[...] = 0.0
    with inspect.stop_when(inspect.skip_share_above(0.9, blocks="0")) as stop:
        net(mg.ones(1, 3, requires_grad=True)).sum().backward()
    assert stop.stopped.module == "0"
    with (
        pytest.raises(mg.OperationError, match="no skip connection"),
        inspect.stop_when(inspect.skip_share_above()),
    ):
        chain(2.0)[0].backward()


def test_conditions_work_in_a_learners_own_loop_and_in_every_pass_anew():
    condition = inspect.skip_share_above(0.7)
    for _ in range(2):
        loss = two_blocks(explicit=True)
        assert [type(s.node).__name__ for s in mg.backward_steps(loss) if condition(s)] == ["Fork"]


def test_conditions_say_what_they_are():
    condition = (inspect.vanishing(1e-6) | inspect.exploding(1e3)) & ~inspect.reaches("head")
    assert repr(condition) == "<(vanishing(1e-06) | exploding(1000)) & ~reaches('head')>"
    assert repr(~(inspect.not_finite() & inspect.vanishing())) == "<~(not_finite() & vanishing(1e-06))>"


def test_bad_conditions():
    with pytest.raises(TypeError, match="a condition is a function of a step"):
        inspect.stop_when(1e-6)
    with pytest.raises(TypeError, match="and not a float"):
        inspect.vanishing() & 0.5
    for make in (inspect.vanishing, inspect.exploding):
        with pytest.raises(ValueError, match="must be above 0"):
            make(0)
    with pytest.raises(ValueError, match="finite number"):
        inspect.skip_share_above(float("nan"))


def test_a_block_without_a_pass_warns(stops):
    with pytest.warns(UserWarning, match="saw no backward pass"), inspect.stop_when(inspect.vanishing()):
        pass


def test_gradients_with_a_graph_of_their_own(stops):
    x = mg.tensor([3.0], requires_grad=True, dtype=mg.float64)
    with inspect.stop_when(inspect.exploding(2.0)) as stop:
        mg.grad((x * x * x).sum(), x, create_graph=True)
    assert stop.stopped.norm == 3.0


@pytest.mark.parametrize("hook", ["0", "recorder.stop"])
def test_pythonbreakpoint_is_served(run_python, tmp_path, hook):
    (tmp_path / "recorder.py").write_text("def stop():\n    print('my own debugger')\n")
    code = (
        "import minigrad as mg\nx = mg.ones(2, requires_grad=True)\n"
        "with mg.inspect.stop_when(lambda step: step.norm < 10):\n    (x * 2).sum().backward()\n"
        "print(x.grad.tolist())\n"
    )
    found = run_python(code, PYTHONBREAKPOINT=hook)
    assert found.returncode == 0, found.stderr
    assert ("my own debugger" in found.stdout) == (hook != "0")
    assert "[2.0, 2.0]" in found.stdout


class TestStep:
    """What conditions ask an engine's step for."""

    def test_norm_is_of_all_that_arrived(self):
        x = mg.tensor([3.0, 4.0], requires_grad=True, dtype=mg.float64)
        s, b = skip.fork(x)
        fork = list(mg.backward_steps((s * s + 2 * b * b).sum()))[-1]
        g0, g1 = fork.grad_outputs
        assert fork.norm == pytest.approx(np.sqrt((g0**2).sum() + (g1**2).sum()), rel=1e-14)

    @pytest.mark.parametrize("size", [3e-200, 3e200, 0.0, np.inf])
    def test_norm_where_squares_leave_the_range(self, size):
        x = mg.tensor([1.0, 1.0], requires_grad=True, dtype=mg.float64)
        first = next(mg.backward_steps(x * 1.0, gradient=np.array([size, 4 * size / 3])))
        assert first.norm == pytest.approx(5 * size / 3, rel=1e-14, abs=0)

    def test_name_and_module(self):
        net = nn.Sequential(nn.Linear(2, 2))
        steps = list(mg.backward_steps(net(mg.ones(1, 2)).sum()))
        assert [s.module for s in steps] == ["", "0"]
        assert steps[1].name == steps[1].node.name
