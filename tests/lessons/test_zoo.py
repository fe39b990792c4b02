"""The bug zoo: each bug shows, and each mended version passes."""

import argparse
import runpy

import pytest

from minigrad.classroom import catalogue, check, commands, zoo
from minigrad.classroom.answers import Answers

MENDED = runpy.run_path(str(catalogue.folder() / "solutions" / "zoo.py"))["MENDED"]
NAMES = [path.stem for path in zoo.animals()]


@pytest.fixture(scope="module")
def answers():
    with Answers(zoo.animals()[0], limit=60) as answers:
        yield answers


def judged(answers, path):
    answers.load(path)
    return check.judge(zoo.check_of(path), answers, path, zoo.original(path))[0]


def test_twelve_live_here():
    assert len(NAMES) == 12
    assert list(MENDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_bug_shows_and_a_mended_one_passes(name, answers, tmp_path, capsys):
    original = zoo.folder() / f"{name}.py"
    assert judged(answers, original).state == "blank"
    runpy.run_path(str(original), run_name="__main__")
    assert "says" in capsys.readouterr().out
    text = original.read_text()
    path = tmp_path / f"{name}.py"
    path.write_text(text + "\n\nTRIED = True\n")  # an attempt that mends nothing
    attempt = judged(answers, path)
    assert attempt.state == "wrong"
    assert attempt.hint
    for bug, right in MENDED[name]:
        assert text.count(bug) == 1
        text = text.replace(bug, right)
    path.write_text(text)
    assert str(judged(answers, path)) == f"right  {name}"


def test_it_is_copied_and_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers(required=True))

    def run(*words):
        arguments = parser.parse_args(list(words))
        return arguments.run(arguments)

    run("lesson", "zoo", "--copy", str(tmp_path))
    for path in list((tmp_path / "zoo").iterdir())[2:]:
        path.unlink()
    assert run("check", "zoo") == 1
    shown = capsys.readouterr().out
    assert shown.count("Its bug is still as it was given.") == 2
    assert run("check", str(tmp_path / "zoo"), "--json") == 1
    assert capsys.readouterr().out.count('"lesson": "zoo"') == 2
