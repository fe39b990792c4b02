"""The commands: list, run and copy lessons, check answers, and remember what was passed."""

import argparse
import json
import stat

import pytest

from minigrad.classroom import catalogue, check, commands, progress

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
    for lesson in catalogue.lessons():
        assert lesson.title in shown
        assert lesson.minutes is not None
    assert f"{FIRST.number}  {FIRST.title}" in shown
    assert "0 of 4" in shown


def test_a_lesson_is_found_by_any_of_its_names():
    names = ["7", "07", "07_residual_block", "lessons/07_residual_block.py"]
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
    assert run("check", "7") == 1
    shown = capfd.readouterr().out
    assert "0 of 4 right." in shown
    assert "Not filled in yet" in shown
    mine = tmp_path / "mine" / "exercises" / FIRST.path.name
    mine.write_text(FIRST.solution.read_text())
    assert run("check", "7") == 0
    assert "4 of 4 right." in capfd.readouterr().out
    mine.write_text(FIRST.exercise.read_text())
    assert run("check", "7") == 1
    assert len(progress.passed("07")) == 4
    run("lesson")
    assert "4 of 4" in capfd.readouterr().out


def test_no_solution_is_ever_shown(capfd):
    run("check", "7", FIRST.exercise)
    shown = capfd.readouterr().out
    for line in set(FIRST.solution.read_text().splitlines()) - set(FIRST.exercise.read_text().splitlines()):
        assert not line.strip() or line.strip() not in shown


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("def fork_backward(a, b):\n    return a +\n", "can't read line 2"),
        ("raise RuntimeError('no')\n", "line 1 of your file raised RuntimeError: no"),
        ("import sys\nsys.exit()\n", "raised SystemExit"),
        ("import os\nos._exit(3)\n", "exit code 3"),
        ("while True: pass\n", "no answer within"),
        ("x = 1\n", "has no 'fork_backward'"),
        ("def fork_backward(a, b):\n    return a / nothing\n", "NameError: name 'nothing' is not defined"),
        ("def fork_backward(a, b):\n    return ... * a\n", "Not filled in yet"),
        ("def fork_backward(a):\n    return a\n", "takes 1 positional argument"),
    ],
)
def test_whatever_happens_becomes_a_hint(code, hint, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(code)
    outcomes = check.check_file("07", path, limit=3 if "while True" in code else 15)
    assert hint in outcomes[0].hint
    assert not any(outcome.right for outcome in outcomes)


def test_without_a_limit_the_checks_run_in_this_process(capsys):
    assert run("check", "7", FIRST.solution, "--no-limit") == 0


def test_a_lesson_without_tasks_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="no tasks"):
        check.check_file("99", FIRST.path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check.check_file("07", tmp_path / "nowhere.py")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"07": 3}', '{"07": {"passed": 3, "copy": 4}}'])
def test_a_broken_progress_file_counts_as_none(text):
    progress.location().parent.mkdir()
    progress.location().write_text(text)
    assert progress.passed("07") == []
    assert progress.copy_of("07") is None
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
