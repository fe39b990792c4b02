"""Lesson 1: the engine's gradient is the one by hand, and predicts what a small step does."""

import pytest

from . import scripts

lesson = scripts.lesson("01")


@pytest.mark.parametrize("seed", range(10))
def test_hand_engine_and_nudge_agree(seed):
    # Rounding of values of order 10: below 1e-14. A nudge of 1e-6 costs 1e-16 / 1e-6 times the loss, at most 10 here.
    engine, nudge = lesson.worst_errors(seed)
    assert engine < 1e-13
    assert nudge < 1e-7


@pytest.mark.parametrize("seed", range(10))
def test_a_small_step_does_what_the_gradient_promised(seed):
    # The next term is rate / 2 times the curvature, below 10 in this expression: 5 %. Twice that is allowed.
    change, promised = lesson.downhill(seed, rate=0.01)
    assert change <= 0
    assert change == pytest.approx(promised, rel=0.1)


def test_each_node_has_one_turn_latest_first():
    lines = lesson.by_steps(lesson.on_tensors(**lesson.POINT)["loss"])
    assert [line.split("#")[0] for line in lines] == ["PowConstant", "Sub", "Tanh", "Add", "Mul"]
