"""``minigrad check``: which files it takes, what it shows while it works, and what is left when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad
from minigrad import cli
from minigrad.classroom import catalogue, submissions

FORK = catalogue.find("3")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))


SOLUTION = FORK.solution.read_text(encoding="utf-8")


def write(path, text=SOLUTION):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def found(what, path=None):
    return [(each.number, each.path.as_posix()) for each in submissions.find(what, path)]


def test_a_path_is_never_taken_for_a_name():
    for name in ("03_fork.py", "3.py", "anna", "7/03_fork.py"):
        write(name)
    assert found("03_fork.py") == [("03", "03_fork.py")]
    assert found("./03_fork.py") == [("03", "03_fork.py")]
    assert found("7/03_fork.py") == [("03", "7/03_fork.py")]
    assert found("./7") == [("03", "7/03_fork.py")]
    assert found("4", "7/03_fork.py") == [("04", "7/03_fork.py")]  # what is said counts
    with pytest.raises(ValueError, match="ends in .py"):
        found("anna")
    with pytest.raises(FileNotFoundError, match="no file exercises"):
        found("exercises/03_fork.py")
    with pytest.raises(FileNotFoundError, match="which file"):
        found("7")


def test_a_folder_gives_answers_and_neither_lessons_nor_folders():
    assert cli.main(["lesson", "3", "--copy", "mine"]) == 0
    for name in ("mine/exercises/.hidden/03_fork.py", "mine/__pycache__/03_fork.py", "mine/03_folder.py/note.txt"):
        write(name)
    assert found("mine") == found("3", "mine") == [("03", "mine/exercises/03_fork.py")]
    write("_marked/anna/03_fork.py")  # (what hides is what is hidden within the folder)
    assert found("_marked") == [("03", "_marked/anna/03_fork.py")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0\1\2", "Python can't read your file: source code string cannot contain null bytes"),
        (b"x = '\xe9'\n", "Python can't read line 1"),
        (b"x = (\n", "Python can't read line 1: '(' was never closed"),
        (b"", "has no 'fork_backward'"),
    ],
)
def test_what_is_no_answer_is_told_as_a_hint(content, told, capsys):
    Path("03_fork.py").write_bytes(content)
    assert cli.main(["check", "03_fork.py"]) == 1
    shown = capsys.readouterr()
    assert told in shown.out
    assert shown.err == ""


def test_another_encoding_is_read_as_python_reads_it(capfd):
    text = SOLUTION + "\n# caf\xe9\n"
    Path("03_fork.py").write_bytes(b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1"))
    assert cli.main(["check", "03_fork.py"]) == 0
    assert capfd.readouterr().err == ""


def test_what_is_judged_is_the_file_as_it_is_now_and_nothing_is_left_beside_it():
    """Two versions of one length and time: bytecode would be taken for up to date."""
    for text, code in ((SOLUTION, 0), ("1/0" + " " * (len(SOLUTION) - 3), 1)):
        write("03_fork.py", text)
        os.utime("03_fork.py", (0, 0))
        assert cli.main(["check", "03_fork.py"]) == code
    assert not Path("__pycache__").exists()


def test_dataclasses_work_in_an_answer():
    extra = "\nfrom dataclasses import dataclass\n@dataclass\nclass Pair:\n    a: 'int'\n"
    write("03_fork.py", SOLUTION + extra)
    assert cli.main(["check", "03_fork.py"]) == 0


def test_a_task_that_takes_long_is_told_meanwhile(monkeypatch, capsys):
    monkeypatch.setattr(submissions, "SLOW", 0.1)
    write("03_fork.py", "import time\ntime.sleep(1)\n")
    assert cli.main(["check", "03_fork.py"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("no answer yet; 60 s is the limit")
    assert lines[2].startswith("error")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_any_terminal_can_show_what_a_file_says(encoding, option):
    Path("03_fork.py").write_text("raise ValueError('\u6ce8 \xe9')\n", encoding="utf-8")
    with started("check", "03_fork.py", *option, PYTHONIOENCODING=encoding) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == b""
    shown = out.decode(encoding)
    if option:
        shown = json.loads(shown.splitlines()[0])["hint"]
    assert ("\u6ce8 \xe9" in shown) or ("\\u6ce8" in shown)


def started(*words, **environment):
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1]), **environment}
    command = [sys.executable, "-m", "minigrad", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform doesn't fork")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL", "SIGINT"])
def test_a_checker_that_is_killed_leaves_no_process(number):
    write(
        "03_fork.py",
        "import os, time\nif os.fork() == 0:\n    time.sleep(600)\nopen('pids', 'w').write(str(os.getpgrp()))\n"
        "os.rename('pids', 'here')\nwhile True: pass\n",
    )
    with started("check", "03_fork.py") as process:
        end = time.monotonic() + 60
        while not Path("here").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(getattr(signal, number))
        process.communicate(timeout=60)
    group = int(Path("here").read_text())
    end = time.monotonic() + 20
    while at_work(group):
        assert time.monotonic() < end
        time.sleep(0.05)


def at_work(group):
    """Whether a process of the group is there, other than as a zombie that nobody has waited for."""
    if not Path("/proc/self/stat").exists():
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False
