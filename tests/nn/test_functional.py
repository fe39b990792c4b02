"""nn.functional gathers the operations' functions under PyTorch's names."""

from __future__ import annotations

import minigrad.nn.functional as F
from minigrad import nn


def test_every_name_is_a_documented_function():
    assert sorted(F.__all__) == F.__all__
    for name in F.__all__:
        assert getattr(F, name).__doc__, name


def test_nothing_is_written_twice():
    assert F.linear is __import__("minigrad.ops.linalg", fromlist=["linear"]).linear


def test_all_names_of_nn_are_there():
    for name in nn.__all__:
        assert hasattr(nn, name), name
