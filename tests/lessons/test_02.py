"""Lesson 2: without an order two stacked residual blocks give 7 for 4; with one, all is right, and cheap."""

import pytest

from . import scripts

lesson = scripts.lesson("02")


def test_the_broken_engine_gives_7_for_4_and_is_right_on_one_block():
    assert lesson.run(lesson.backward_broken, 1)[0] == 2
    assert lesson.run(lesson.backward_broken, 2)[0] == 7


@pytest.mark.parametrize("blocks", range(1, 10))
def test_the_two_right_engines_give_2_to_the_n(blocks):
    ordered, in_order = lesson.run(lesson.backward_ordered, blocks)
    routes, calls = lesson.run(lesson.backward_routes, blocks)
    assert ordered == routes == lesson.minigrad_run(blocks)[0] == 2**blocks
    assert in_order == 2 * blocks + 1  # each value once: x, and a branch and a sum for each block
    assert calls == 3 * 2**blocks - 2  # so it doubles with each block
    if blocks > 1:
        assert lesson.run(lesson.backward_broken, blocks)[0] > 2**blocks


@pytest.mark.parametrize("factor", [-1.5, -0.3, 0.0, 0.1, 2.0])
def test_the_ordered_engine_is_right_for_any_branch(factor):
    x_gradient, _ = lesson.run(lesson.backward_ordered, 6, factor)
    assert x_gradient == pytest.approx((1 + factor) ** 6, rel=1e-12)


def test_depth_breaks_the_recursion_and_not_the_order():
    with pytest.raises(RecursionError):
        lesson.run(lesson.backward_broken, 1000, 0.0)
    assert lesson.run(lesson.backward_ordered, 1000, 0.0) == (1.0, 2001)
    assert len(lesson.minigrad_run(10)[1]) == 30  # a fork, a product and a join for each block
