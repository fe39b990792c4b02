"""The lessons' walks, in the stepper and in pdb, typed at a pseudo-terminal as their text tells them."""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad

from .scripts import LESSONS

pty = pytest.importorskip("pty", reason="this platform has no pseudo-terminals")
#: For each walk its lesson, the module that runs it, its prompt, how it starts, and how many commands it has at least.
WALKS = [
    pytest.param("02", ["pdb"], "(Pdb) ", "$ python -m pdb lessons/", 10, id="02-pdb"),
    pytest.param("07", ["minigrad", "step"], "(step) ", "$ minigrad step lessons/", 7, id="07-stepper"),
    pytest.param("07", ["pdb"], "(Pdb) ", "$ python -m pdb lessons/", 10, id="07-pdb"),
]
SECONDS = 120


def read_until(terminal, wanted):
    """What the terminal shows until it ends in `wanted`, or closes."""
    shown, end = "", time.monotonic() + SECONDS
    while not shown.endswith(wanted):
        assert time.monotonic() < end, f"no {wanted!r} after {shown!r}"
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux tells that the other side closed
            break
        if not part:
            break
        shown += part.decode().replace("\r\n", "\n")
    return shown


@pytest.mark.parametrize(("number", "program", "prompt", "start", "least"), WALKS)
def test_the_walk_goes_as_the_text_tells(number, program, prompt, start, least, tmp_path):
    path = next(path for path in LESSONS if path.name.startswith(number))
    text = path.read_text(encoding="utf-8")
    assert f"{start}{path.name}\n#     {prompt}" in text
    walk = re.findall(rf"^#     {re.escape(prompt)}(.+?)(?:\s+-> (.+))?$", text, re.M)
    assert len(walk) >= least
    ours, theirs = pty.openpty()
    environment = {
        **os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1]), "TERM": "dumb",
        "COLUMNS": "200", "MPLBACKEND": "agg", "PYTHON_COLORS": "0", "HOME": str(tmp_path),
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", *program, str(path)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=environment, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        read_until(ours, prompt)
        for command, seen in walk:
            os.write(ours, f"{command}\n".encode())
            shown = read_until(ours, prompt)
            assert seen in shown, f"after {command!r}"
        assert walk[-1][0] == "q"
        assert child.wait(SECONDS) == 0
    finally:
        child.kill()
        child.wait()
        os.close(ours)
