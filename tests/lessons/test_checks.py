"""Every lesson's checks: blanks fail without a hint, solutions pass, typical wrong answers get their own hint."""

from collections import Counter
from pathlib import Path

import pytest

from minigrad.classroom import check
from minigrad.classroom.answers import Answers
from minigrad.classroom.catalogue import find

from .scripts import LESSONS, load

NUMBERS = [path.name[:2] for path in LESSONS]


def wrong_answers(number):
    path = Path(__file__).parent / "wrong_answers" / f"lesson_{number}.py"
    return load(path).WRONG if path.exists() else []


CASES = [
    pytest.param(number, *case, id=f"{number}-{case[0]}-{i}")
    for number in NUMBERS
    for i, case in enumerate(wrong_answers(number))
]


@pytest.fixture(scope="module")
def answers():
    """One process for all files here: each is loaded into it in its turn."""
    with Answers(find("1").solution, limit=60) as answers:
        yield answers


@pytest.fixture
def outcomes(answers):
    def of(number, path):
        answers.load(path)
        return [check.judge(each, answers, path, find(number).exercise)[0] for each in check.checks_of(number)]

    return of


@pytest.mark.parametrize("number", NUMBERS)
def test_blanks_get_no_hint_before_an_attempt(number, outcomes):
    checks = check.checks_of(number)
    assert 3 <= len(checks) <= 6
    for outcome, its in zip(outcomes(number, find(number).exercise), checks, strict=True):
        assert outcome.state == "blank"
        assert its.hint not in outcome.hint


@pytest.mark.parametrize("number", NUMBERS)
def test_solutions_pass(number, outcomes):
    found = outcomes(number, find(number).solution)
    assert [str(outcome) for outcome in found if not outcome.right] == []


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_has_the_solutions_names(number):
    scripts = (find(number).exercise, find(number).solution)
    public = [{name for name in vars(load(path)) if name[0] != "_"} for path in scripts]
    assert public[0] - public[1] <= {"np", "mg", "math", "skip"}
    assert "your turn" in find(number).exercise.read_text()
    assert "your turn" not in find(number).solution.read_text()


@pytest.mark.parametrize("number", NUMBERS)
def test_at_least_three_wrong_answers(number):
    assert len(wrong_answers(number)) >= 3


@pytest.mark.parametrize(("number", "task", "hint", "code"), CASES)
def test_a_typical_wrong_answer_gets_its_own_hint(number, task, hint, code, tmp_path, outcomes):
    path = tmp_path / "answer.py"
    path.write_text(f"{find(number).solution.read_text()}\n\n{code}")
    found = outcomes(number, path)
    wrong = [outcome for outcome in found if not outcome.right]
    assert [outcome.name[0] for outcome in wrong] == [task]
    assert wrong[0].state == "wrong"
    assert hint in wrong[0].hint


@pytest.mark.parametrize("number", NUMBERS)
def test_hints_of_a_lesson_differ(number):
    hints = [its.hint for its in check.checks_of(number)]
    assert max(Counter(hints).values()) == 1
