import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals.emperor import configured


def test_without_the_option_there_is_no_emperor() -> None:
    assert configured(config_of()) is None


def test_a_frequency_of_0_is_refused() -> None:
    with pytest.raises(OptionError, match="emperor-freq: expected a number of seconds above 0"):
        configured(config_of(emperor="/tmp", emperor_freq="0"))


def test_an_address_of_the_stats_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="emperor-stats: expected an address"):
        configured(config_of(emperor="/tmp", emperor_stats=":x"))


def test_the_schemes_are_listed(capfd: pytest.CaptureFixture[str]) -> None:
    assert configured(config_of(imperial_monitor_list=True)) is None
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "*** uWSGI loaded imperial monitors ***"
    assert lines[1:3] == ["dir", "glob"]
    assert lines[-1] == "--- end of imperial monitors list ---"
