"""What all tests share: a seeded generator for arrays, and minigrad's own seeded."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _seeded():
    mg.manual_seed(7)
