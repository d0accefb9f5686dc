"""Every page of a step asks three questions and answers each with a run and a reason."""

import re
from pathlib import Path

import pytest

from docs._ext import answers
from tests.tutorial import session

STEPS = sorted(path.parent for path in answers.TUTORIAL.glob("*/session.console"))
NUMBERS = ["1", "2", "3"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_three_questions_and_three_answers(step: Path) -> None:
    asked, answered = ends_of((step / "README.rst").read_text("utf-8"))
    questions = re.split(r"^\d\. ", asked, flags=re.MULTILINE)[1:]
    assert ["?" in question for question in questions] == [True] * 3
    assert re.findall(r"^(\d)\. ", asked, re.MULTILINE) == NUMBERS
    assert re.findall(r"^\.\. answer:: (\d)\n\n   \S", answered, re.MULTILINE) == NUMBERS


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_answer_is_a_run_that_shows_something(step: Path) -> None:
    assert sorted(path.stem for path in (step / "answers").iterdir()) == NUMBERS
    for number in NUMBERS:
        path = answers.console_of(f"tutorial/{step.name}", number)
        run = session.parse(path.read_text("utf-8"))
        assert any(command.output for command in run.commands), path


def ends_of(page: str) -> tuple[str, str]:
    """The sections "Try" and "Answers" of a page, which are its last."""
    rest, _, answered = page.partition("\nAnswers\n-------\n")
    _, _, asked = rest.partition("\nTry\n---\n")
    return asked, answered
