"""docs/reading.md names what is there, and every breakpoint that the texts name can be typed, with its imports."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "lessons").glob("*.py"))]
BREAKPOINT = re.compile(r"\bb(?:reak)? (minigrad(?:\.\w+)+)")


def resolve(dotted):
    """The object of a dotted path: modules first, then attributes."""
    parts = dotted.split(".")
    for stop in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:stop]))
        except ModuleNotFoundError:
            continue
        for name in parts[stop:]:
            found = getattr(found, name)
        return found
    raise AssertionError(dotted)


def test_reading_names_what_is_there():
    text = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:minigrad|lessons)/[\w/]+\.py)`", text):
        assert (ROOT / path).is_file(), path
    for dotted in re.findall(r"`(minigrad(?:\.\w+)+)`", text):
        assert resolve(dotted) is not None
    walk = importlib.import_module("minigrad.engine.walk")
    for name in ("visit", "settle", "run", "send", "add", "backward_steps"):
        assert f"`{name}`" in text
        assert hasattr(walk, name)
    for module, names in {
        "minigrad.engine.leaves": ["accumulate"],
        "minigrad.engine.node": ["Node"],
        "minigrad.ops.inplace": ["before", "write"],
        "minigrad.engine.writes": ["check_kept"],
        "minigrad.skip": ["Fork", "ResidualAdd", "SkipConcat", "HighwayGate"],
    }.items():
        for name in names:
            assert f"`{name}`" in text
            assert hasattr(importlib.import_module(module), name)


def breakpoints():
    """Every breakpoint of the texts, with the imports that stand beside it there."""
    found = {}
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        named = ", ".join(re.findall(r"import (minigrad[\w., ]*)", text)).replace(" as mg", "")
        imports = [
            f"import {name.strip()}" for name in named.split(",") if re.fullmatch(r"minigrad[\w.]*", name.strip())
        ]
        for dotted in BREAKPOINT.findall(text):
            found.setdefault((path.name, dotted), list(dict.fromkeys(imports)))
    return found


def test_the_texts_name_breakpoints():
    assert len(breakpoints()) >= 4


@pytest.mark.parametrize("where", breakpoints(), ids=" ".join)
def test_a_breakpoint_can_be_typed_in_real_pdb(where, tmp_path):
    _, dotted = where
    script = tmp_path / "script.py"
    script.write_text("import minigrad as mg\nx = mg.ones(2, requires_grad=True)\n(x * 2).sum().backward()\n")
    typed = "\n".join([*breakpoints()[where], f"b {dotted}", "q", ""])
    command = [sys.executable, "-m", "pdb", str(script)]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "Breakpoint 1 at" in done.stdout, done.stdout
