"""Metrics as files."""

from pathlib import Path

import pytest

from refuwsgi import metrics, metrics_files
from refuwsgi.options import OptionError, config_of
from refuwsgi.scoreboard import Scoreboard


def test_a_file_has_the_name_and_the_value_of_its_metric(tmp_path: Path) -> None:
    board = Scoreboard(1, 1)
    config = config_of(metrics_dir=str(tmp_path))
    assert config[metrics.ENABLE_METRICS]
    files = metrics_files.configured(config, metrics.configured(config, board, []))
    assert files is not None
    files.look()
    file = tmp_path / "worker.1.core.0.offloaded_requests"
    assert file.read_bytes().startswith(b"0\n\0")
    board.cores[0][0].offloaded = 12
    files.look()
    assert file.read_bytes().rstrip(b"\0") == b"12\n"


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    config = config_of(metrics_dir=f"{tmp_path}/absent")
    with pytest.raises(OptionError, match="a directory that is there"):
        metrics_files.configured(config, metrics.configured(config, Scoreboard(1, 1), []))


def test_without_the_option_there_are_no_files() -> None:
    config = config_of(enable_metrics=True)
    assert metrics_files.configured(config, None) is None
