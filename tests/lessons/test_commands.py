"""The commands: list, run and copy lessons, check answers, and remember what was passed."""

import argparse
import json
import os
import stat
import time
from pathlib import Path

import pytest

from minigrad.classroom import catalogue, check, commands, progress, runner

FIRST = catalogue.find("7")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))


def run(*words):
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(list(map(str, words)))
    return arguments.run(arguments)


def test_the_list_has_a_line_for_each_lesson(capsys):
    assert run("lesson") == 0
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    for lesson in catalogue.lessons():
        assert f"{lesson.number} {lesson.title.split(':')[0]}" in words
        assert lesson.minutes is not None
    assert "0 of" in shown


@pytest.mark.parametrize("width", [40, 80, 133])
def test_the_list_fits(width):
    lines = runner.list_lessons(width).splitlines()
    assert max(map(len, lines)) <= width
    assert ("minutes" in lines[0]) == (width >= 60)


def test_a_lesson_is_found_by_any_of_its_names():
    names = ["7", "07", "07_residual_block"]
    assert {catalogue.find(name) for name in names} == {FIRST}
    with pytest.raises(ValueError, match="no lesson '99'; there are"):
        catalogue.find("99")


def test_a_lesson_is_run_and_its_figures_saved(tmp_path, capsys):
    assert run("lesson", "7", "--save", tmp_path / "figures") == 0
    assert "Conclusion" in capsys.readouterr().out
    assert (tmp_path / "figures" / "07_ledger.png").exists()


def test_a_copy_is_made_once_and_never_written_over(tmp_path, capsys):
    assert run("lesson", "7", "--copy", tmp_path / "mine") == 0
    mine = tmp_path / "mine" / "exercises" / FIRST.path.name
    assert (tmp_path / "mine" / FIRST.path.name).read_bytes() == FIRST.path.read_bytes()
    mine.write_text("my work")
    with pytest.raises(ValueError, match="left as it is"):
        run("lesson", "7", "--copy", tmp_path / "mine")
    assert mine.read_text() == "my work"


def test_check_finds_the_copy_and_remembers_what_was_passed(tmp_path, capfd):
    with pytest.raises(FileNotFoundError, match="--copy DIR"):
        run("check", "7")
    run("lesson", "7", "--copy", tmp_path / "mine")
    total = len(check.checks_of("07"))
    assert run("check", "7") == 1
    shown = capfd.readouterr().out
    assert f"0 of {total} right." in shown
    assert "Not filled in yet" in shown
    mine = tmp_path / "mine" / "exercises" / FIRST.path.name
    mine.write_text(FIRST.solution.read_text())
    assert run("check", "7") == 0
    assert f"{total} of {total} right." in capfd.readouterr().out
    mine.write_text(FIRST.exercise.read_text())
    assert run("check", "7") == 1
    assert len(progress.passed("07")) == total
    run("lesson")
    assert f"{total} of {total}" in capfd.readouterr().out


def test_no_solution_is_ever_shown(capfd):
    run("check", "7", FIRST.exercise)
    shown = capfd.readouterr().out
    for line in set(FIRST.solution.read_text().splitlines()) - set(FIRST.exercise.read_text().splitlines()):
        assert not line.strip() or line.strip() not in shown


ANSWERS = {
    "def fork_backward(a, b):\n    return a +\n": "can't read line 2",
    "raise RuntimeError('no')\n": "line 1 of your file raised RuntimeError: no",
    "raise KeyboardInterrupt\n": "raised KeyboardInterrupt",
    "import sys\nsys.exit()\n": "raised SystemExit",
    "import os\nos._exit(3)\n": "exit code 3",
    "while True: pass\n": "no answer within",
    "x = 1\n": "has no 'fork_backward'",
    "def fork_backward(a, b):\n    return a / nothing\n": "NameError: name 'nothing' is not defined",
    "def fork_backward(a, b):\n    return ... * a\n": "Not filled in yet",
    "def fork_backward(a):\n    return a\n": "takes 1 positional argument",
    "def fork_backward(a, b):\n    raise KeyboardInterrupt\n": "raised KeyboardInterrupt",
    "class E(Exception):\n    def __str__(self): raise E\ndef fork_backward(a, b):\n    raise E\n": "raised E",
    "import sys\ndef f(*a): raise ValueError('t')\ndef fork_backward(a, b):\n    sys.settrace(f)\n    g()\n"
    "def g(): pass\n": "ValueError: t",
    "def fork_backward(a, b):\n    return iter([a])\n": "your answer led to",
}


@pytest.mark.parametrize(("code", "hint"), ANSWERS.items())
def test_whatever_happens_becomes_a_hint(code, hint, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(code)
    outcome = next(check.check_file("07", path, limit=4 if "while True" in code else 30))
    assert hint in outcome.hint
    assert not outcome.right


PATCHES = [
    "import minigrad.classroom.checks as c\nc.require = c.close = lambda *a: True\n",
    "import sys\nfor m in list(sys.modules.values()):\n    if hasattr(m, 'require'): m.require = print\n",
    "import minigrad.classroom.check as c\nc.judge = lambda *a: (c.Outcome('1', 'right'), False)\n",
    "import numpy as np\nnp.allclose = lambda *a, **k: True\n",
    "class Yes(float):\n    __eq__ = lambda *a: True\n    def __reduce__(s): return exec, ('raise SystemExit(0)',)\n"
    "skip_share = Yes(1)\nfork_backward = residual_add_backward = block = lambda *a: Yes(1)\n",
    "class All:\n    __array__ = __eq__ = __getattr__ = lambda *a, **k: True\nskip_share = All()\n",
]


@pytest.mark.parametrize("code", PATCHES)
def test_a_file_cannot_change_how_it_is_judged(code, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FIRST.exercise.read_text() + "\n" + code)
    outcomes = list(check.check_file("07", path))
    assert len(outcomes) == len(check.checks_of("07"))
    assert not any(outcome.right for outcome in outcomes)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform doesn't fork")
def test_what_the_file_started_ends_with_it(tmp_path):
    path, mark = tmp_path / "mine.py", tmp_path / "children"
    path.write_text(
        f"import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n"
        f"        open({str(mark)!r}, 'a').write(f'{{os.getpid()}}\\n')\n        time.sleep(600)\nwhile True: pass\n"
    )
    (outcome,) = check.check_file("07", path, limit=5)
    assert "no answer within 5 s" in outcome.hint
    children = [int(line) for line in mark.read_text().split()]
    assert len(children) == 3
    end = time.monotonic() + 20
    while any(alive(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process):
    """Whether a process is at work still; one that nobody has waited for is not."""
    stat_file = Path(f"/proc/{process}/stat")
    if stat_file.exists():
        return stat_file.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").is_dir()


def test_one_endless_task_leaves_the_others(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FIRST.solution.read_text() + "\ndef fork_backward(a, b):\n    while True: pass\n")
    outcomes = list(check.check_file("07", path, limit=5))
    assert [outcome.state for outcome in outcomes] == ["error"] + ["right"] * (len(outcomes) - 1)


def test_a_path_is_a_path(tmp_path, capsys, monkeypatch):
    mine = tmp_path / "anna_03_fork.py"
    mine.write_text(catalogue.find("3").solution.read_text())
    assert run("check", mine) == 0
    assert f"checking {mine}" in capsys.readouterr().out
    assert progress.passed("03") == []  # it is nobody's copy
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no file"):
        run("check", "03_fork.py")
    (tmp_path / "notes.py").touch()
    with pytest.raises(ValueError, match="whose tasks"):
        run("check", "notes.py")
    assert run("check", "3", "notes.py") == 1


def test_a_folder_of_submissions_gives_a_record_a_task(tmp_path, capsys):
    for name, text in (
        ("anna", catalogue.find("3").solution.read_text()),
        ("ben", "raise SystemExit"),
        ("cy", "print(1)"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "03_fork.py").write_text(text)
    assert run("check", "3", tmp_path, "--json") == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    tasks = [each.name for each in check.checks_of("03")]
    assert [record["task"] for record in records] == 3 * tasks
    assert {record["lesson"] for record in records} == {"03"}
    states = [record["state"] for record in records]
    assert states == len(tasks) * ["right"] + 2 * len(tasks) * ["error"]
    assert "SystemExit" in records[len(tasks)]["hint"]


def test_without_a_limit(capsys):
    assert run("check", "7", FIRST.solution, "--no-limit") == 0


def test_all_lessons_are_copied_or_none(tmp_path, capsys):
    assert run("lesson", "all", "--copy", tmp_path) == 0
    assert sorted(p.name for p in tmp_path.glob("*.py")) == [each.path.name for each in catalogue.lessons()]
    assert len(list((tmp_path / "exercises").iterdir())) == len(catalogue.lessons())
    (tmp_path / FIRST.path.name).unlink()
    with pytest.raises(ValueError, match="left as it is"):
        run("lesson", "all", "--copy", tmp_path)
    assert not (tmp_path / FIRST.path.name).exists()


@pytest.mark.parametrize("option", ["--copy", "--save", "--notebook"])
def test_a_place_that_cannot_be_written_to_is_told_before_any_work(option, tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="files can't go there"):
        run("lesson", "8", option, tmp_path / "file")
    assert capsys.readouterr().out == ""


def test_a_lesson_without_tasks_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="no tasks"):
        check.check_file("99", FIRST.path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check.check_file("07", tmp_path / "nowhere.py")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"07": 3}', '{"07": {"passed": 3, "copies": 4}}'])
def test_a_broken_progress_file_counts_as_none(text):
    progress.location().parent.mkdir()
    progress.location().write_text(text)
    assert progress.passed("07") == []
    assert progress.copies_of("07") == []
    assert progress.note_passed("07", ["a"]) is None
    assert progress.passed("07") == ["a"]
    assert json.loads(progress.location().read_text())["07"]["passed"] == ["a"]
    assert [p.name for p in progress.location().parent.iterdir()] == ["progress.json"]


def test_progress_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "file" / "below"))
    assert "could not be noted" in progress.note_passed("07", ["a"])


def test_a_copy_can_be_written_to(tmp_path):
    run("lesson", "7", "--copy", tmp_path)
    assert (tmp_path / "exercises" / FIRST.path.name).stat().st_mode & stat.S_IWUSR


def test_an_installation_finds_its_lessons(tmp_path, monkeypatch):
    installed = tmp_path / "share" / "minigrad" / "lessons"
    (installed / "exercises").mkdir(parents=True)
    (installed / "01_x.py").write_text('"""1. A title.\n\nMinutes: 5. Before it: lessons 2 and 3.\n"""\n')
    monkeypatch.setattr(catalogue, "_places", lambda: iter([tmp_path / "lessons", installed]))
    (lesson,) = catalogue.lessons()
    assert (lesson.title, lesson.minutes, lesson.needs) == ("A title.", 5, ("02", "03"))
    monkeypatch.setattr(catalogue, "_places", lambda: iter([tmp_path / "lessons"]))
    with pytest.raises(FileNotFoundError, match="were not found in"):
        catalogue.folder()
