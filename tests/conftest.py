"""What all tests share: seeded generators, and a way to run Python as a user does."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _usual_width(monkeypatch):
    """Tables are as wide as the terminal, whatever it is that the tests are run in."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(autouse=True)
def _seeded():
    mg.manual_seed(7)


@pytest.fixture
def run_python(tmp_path):
    """Run code in a Python of its own, in an empty directory: ``run_python(code, *arguments, **environment)``."""

    def run(code, *arguments, cwd=None, **environment):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd or tmp_path,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mg.__file__)), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
