"""docs/inspect.md shows what really comes out."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_output_on_the_page_is_what_its_code_prints():
    made = subprocess.run(  # in a process of its own: nodes are numbered from the start of the process
        [sys.executable, str(ROOT / "tests/inspect/docs_page.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    page = (ROOT / "docs/inspect.md").read_text(encoding="utf-8").splitlines()
    found = made.stdout.decode("utf-8").splitlines()
    changes = "\n".join(difflib.unified_diff(page, found, "the page", "what comes out", lineterm="", n=1))
    assert not changes, f"{changes}\nIf this is meant: python tests/inspect/docs_page.py --write"


def test_the_debugger_of_vs_code_may_stop_inside_minigrad():
    text = (ROOT / ".vscode/launch.json").read_text(encoding="utf-8")
    configurations = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))["configurations"]
    assert configurations
    assert not any(configuration["justMyCode"] for configuration in configurations)
    assert any("lesson" in configuration.get("args", ()) for configuration in configurations)
