"""What lesson 23 says: the bill adds up, the weights know the mean path length (F1), and short paths suffice."""

import numpy as np
import pytest

from minigrad import inspect

from .scripts import lesson

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_start_only_scales_lie_behind_a_branch(seed):
    bill = lesson("23").bill_of(lesson("23").new_net(seed), count=50)
    for item in bill.items:
        crossed = [k for k, part in enumerate(item.parts) if part.any()]
        if item.name.endswith("scale"):
            assert crossed == [1]
        elif ".branch." in item.name:
            assert crossed == []
        else:
            assert crossed == [0]


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_in_a_trained_net(seed):
    one = lesson("23")
    net = one.train(one.new_net(seed, blocks=4), epochs=1)
    by_weights, by_split = one.both_means(net, count=50)
    assert by_split != 0
    assert by_weights == pytest.approx(by_split, rel=1e-10)
    bill = one.bill_of(net, count=50)
    size = sum(float((total.astype(float) ** 2).sum()) for total in bill.total().values())
    assert bill.contributions.sum() == pytest.approx(size, rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_branch_trains_better_than_none(seed):
    """One epoch, four blocks. With no branch crossed the blocks stay as they are: stem and head are a linear net."""
    one = lesson("23")
    net = one.new_net(seed, blocks=4)
    before = net[1].branch[0].weight.array.copy()
    none = one.accuracy(one.train(net, epochs=1, up_to=0))
    assert np.array_equal(net[1].branch[0].weight.array, before)
    short = one.accuracy(one.train(one.new_net(seed, blocks=4), epochs=1, up_to=1))
    whole = one.accuracy(one.train(one.new_net(seed, blocks=4), epochs=1))
    assert short > 0.6
    assert abs(short - whole) < 0.15
    assert none < 0.97


def test_the_recorder_sees_branches_wake_up():
    one = lesson("23")
    net = one.new_net(0, blocks=3)
    with inspect.Recorder(net, every=5, ledger=True) as recorder:
        one.train(net, epochs=1)
    shares = recorder.ledger()
    assert (shares[:, 0] == 1).all()
    assert (shares[:, -1] != 1).all()
