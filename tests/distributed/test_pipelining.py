"""A net in stages equals the whole net; and the schedules' bubble and memory are what their formulas say."""

import pytest

from minigrad.distributed.pipelining import bubble, gpipe_order, one_f_one_b_order, simulate

from .launch import needs_mpi, passes

SIZES = [(k, m) for k in (1, 2, 3, 4, 8) for m in (1, 2, 3, 8, 32)]


def orders(order, stages, microbatches):
    return [order(stage, stages, microbatches) for stage in range(stages)]


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_stages_have_the_whole_nets_gradients_with_a_skip_over_all_borders(ranks):
    assert passes("pipeline", ranks=ranks).count("whole") == ranks


@pytest.mark.parametrize("order", [gpipe_order, one_f_one_b_order])
@pytest.mark.parametrize(("stages", "microbatches"), SIZES)
def test_the_bubble_is_k_minus_1_of_m_plus_k_minus_1(order, stages, microbatches):
    events = simulate(orders(order, stages, microbatches), forward=1.0, backward=2.0)
    assert bubble(events) == pytest.approx((stages - 1) / (microbatches + stages - 1), abs=1e-12)


@pytest.mark.parametrize(("stages", "microbatches"), SIZES)
def test_gpipe_keeps_all_and_1f1b_as_many_as_stages_follow(stages, microbatches):
    for stage in range(stages):
        for order, expected in (
            (gpipe_order, microbatches),
            (one_f_one_b_order, min(microbatches, stages - stage)),
        ):
            kept, most = 0, 0
            for action in order(stage, stages, microbatches):
                kept += 1 if action.kind == "forward" else -1
                most = max(most, kept)
            assert (kept, most) == (0, expected)


def test_messages_on_their_way_make_the_bubble_larger():
    two = orders(one_f_one_b_order, 4, 8)
    assert bubble(simulate(two, transfer=0.5)) > bubble(simulate(two))


def test_an_order_that_can_never_run_is_an_error():
    stuck = orders(gpipe_order, 2, 1)
    stuck[1].reverse()
    with pytest.raises(ValueError, match="wait for each other for ever"):
        simulate(stuck)
