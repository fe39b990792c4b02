"""What lesson 13 says: routes of a dense block, and what long skips carry (C7, C8)."""

import numpy as np
import pytest

from minigrad import data

from .scripts import lesson

SEEDS = range(5)


def test_routes_double():
    assert [lesson("13").routes(layers) for layers in range(1, 9)] == [2**k for k in range(8)]


def test_a_table_is_nearly_right_on_the_average_as_it_is_and_not_as_we_use_it():
    one = lesson("13")
    right = []
    for amounts in ({"noise": 0, "bias_field": 0, "blur": 0}, {}):
        (x, y), (unseen, truth) = (data.brain(split, **amounts) for split in ("train", "test"))
        right.append((one.by_brightness(x, y, unseen) == truth.array).mean())
    assert right[0] > 0.97
    assert right[1] < 0.90


def cropped():
    """The middle of each slice, for speed."""
    return [
        (images[:, :, 16:80, 16:80], labels[:, 16:80, 16:80]) for images, labels in map(data.brain, ("train", "test"))
    ]


@pytest.mark.slow
def test_long_skips_bring_back_the_edges():
    """C8, five seeds, 60 steps. On whole slices: 0.45 to 0.46 without, 0.28 to 0.37 with; the table has 0.35."""
    one = lesson("13")
    (x, y), (unseen, truth) = cropped()
    table = one.scores(one.by_brightness(x, y, unseen), truth)[2]
    at_edges = {}
    for name in ("U-Net, no skips", "U-Net"):
        nets = [one.train(one.NETS[name], x, y, steps=60, seed=seed) for seed in SEEDS]
        at_edges[name] = np.array([one.scores(one.predict(net, unseen), truth)[2] for net in nets])
    assert (at_edges["U-Net, no skips"] > at_edges["U-Net"]).all()
    assert np.median(at_edges["U-Net, no skips"] - at_edges["U-Net"]) > 0.08
    assert (at_edges["U-Net, no skips"] > table).all()
    assert np.median(at_edges["U-Net"]) < table


@pytest.mark.slow
def test_the_finest_skip_carries_most():
    one = lesson("13")
    (x, y), (unseen, truth) = cropped()
    for seed in SEEDS:
        net = one.train(one.NETS["U-Net"], x, y, steps=30, seed=seed)
        errors = []
        for level in range(3):
            handle = one.silence_skip(net, level)
            errors.append(one.scores(one.predict(net, unseen), truth)[2])
            handle.remove()
        assert errors[2] == max(errors)
