"""The order of every sum depends on shapes alone: one digest for any number of threads, cold or warm."""

from __future__ import annotations

from pathlib import Path

import pytest
from numba import config

from minigrad.kernels.compile import BACKEND

CODE = Path(__file__).with_name("training.py").read_text()


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "numba" or config.DISABLE_JIT, reason="it is compiled kernels that could differ")
def test_ten_steps_have_one_digest(run_python, tmp_path):
    seen = {}
    for threads in (1, 2, 4):
        for cache in ("cold", "warm"):
            settings = {"MINIGRAD_NUM_THREADS": str(threads), "NUMBA_CACHE_DIR": str(tmp_path / f"cache{threads}")}
            done = run_python(CODE, **settings)
            assert done.returncode == 0, done.stderr
            assert ("compiling kernels" in done.stderr) == (cache == "cold")
            lines = done.stdout.split("\n")
            runs = [line.split() for line in lines if line]
            assert len(runs) >= 5
            for who, digest in runs:
                seen.setdefault(digest, []).append(f"{who}, {threads} threads, {cache}")
    assert len(seen) == 1, seen
