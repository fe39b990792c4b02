"""Every lesson runs alone: in a process and a folder of its own, headless, with warnings as errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad

from .scripts import LESSONS

#: By far more than the minute that a lesson may take, as machines that run tests are busy.
LIMIT = 300


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_lesson_runs_alone(path, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1]), "MPLBACKEND": "agg"}
    environment.pop("DISPLAY", None)
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(path), "--save", "drawn"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Conclusion" in ran.stdout
    drawn = list((tmp_path / "drawn").iterdir())
    assert 1 <= len(drawn) <= 4
    assert all(figure.name.startswith(path.name[:2]) and figure.stat().st_size > 5000 for figure in drawn)
    assert [p.name for p in tmp_path.iterdir()] == ["drawn"]


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_lesson_imports_no_other(path):
    text = path.read_text()
    assert not [other.stem for other in LESSONS if other != path and f"import {other.stem}" in text]
    assert "# %%" in text
