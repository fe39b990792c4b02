"""No kernel reads or writes outside its arrays, whatever it is given: tried where a crash harms nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from numba import config

from minigrad.kernels.compile import BACKEND

CODE = Path(__file__).with_name("hostile_indices.py").read_text()


@pytest.mark.skipif(BACKEND != "numba" or config.DISABLE_JIT, reason="only compiled loops go unchecked")
@pytest.mark.parametrize("seed", range(3))
def test_hostile_indices(run_python, seed):
    done = run_python(CODE, str(seed))
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr[-3000:]
