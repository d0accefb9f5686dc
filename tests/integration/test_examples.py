"""Every example of the documents runs and answers as it says."""

import pytest

from refuwsgi.commands import example


@pytest.mark.parametrize("name", example.EXAMPLES)
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main([name, "--try"]) == 0, capsys.readouterr().err
    assert example.EXAMPLES[name].what in capsys.readouterr().out
