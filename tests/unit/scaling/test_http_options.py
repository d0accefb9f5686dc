import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import http_options, http_processes, http_router
from refuwsgi.scaling.http_link import needed, router_wanted


def test_the_defaults() -> None:
    found = http_options.rules(config_of(), 4096)
    assert (found.timeout, found.headers_timeout, found.connect_timeout) == (60.0, 60.0, 60.0)
    assert found.idle == 0
    assert found.largest_packet == 4096


@pytest.mark.parametrize(
    ("text", "idle"), [("1", 20.0), ("true", 20.0), ("", 20.0), ("5", 5.0), ("0", 0), ("off", 0)]
)
def test_keepalive(text: str, idle: float) -> None:
    config = config_of(http_timeout="20", http_keepalive=text)
    assert http_options.rules(config, 4096).idle == idle


def test_zero_is_the_default_and_not_for_ever() -> None:
    assert http_options.rules(config_of(http_timeout="0"), 1).timeout == 60.0


def test_times_follow_the_timeout_unless_given() -> None:
    found = http_options.rules(config_of(http_timeout="9", http_connect_timeout="2"), 1)
    assert (found.headers_timeout, found.connect_timeout) == (9.0, 2.0)


def test_the_largest_body_that_is_asked_for() -> None:
    assert http_options.rules(config_of(http_manage_expect="1"), 1).largest_expected == 0
    assert http_options.rules(config_of(http_manage_expect="1000"), 1).largest_expected == 1000


def test_vars() -> None:
    config = config_of(http_var=["COLOUR=blue=green", "X=\u00e9"])
    assert http_options.variables(config) == [("COLOUR", "blue=green"), ("X", "\u00c3\u00a9")]
    with pytest.raises(OptionError, match="name=value"):
        http_options.variables(config_of(http_var="COLOUR"))


def test_processes() -> None:
    found = http_processes.processes(config_of(http_processes="3"), lambda: 0)
    assert [each.name for each in found] == ["uWSGI http 1", "uWSGI http 2", "uWSGI http 3"]
    assert len(http_processes.processes(config_of(http_processes="0"), lambda: 0)) == 1
    with pytest.raises(OptionError, match="max 64 gateways"):
        http_processes.processes(config_of(http_processes="65"), lambda: 0)


def test_when_there_is_a_router() -> None:
    assert router_wanted(config_of(http=":0"))
    assert not router_wanted(config_of(http_socket=":0", http_timeout="3"))
    assert needed(config_of(http=":0"), [])
    assert not needed(config_of(http=":0", http_to=":1"), [])
    assert needed(config_of(http=":0", http_to_https=":0"), [])
    assert not needed(config_of(http_socket=":0"), [])


@pytest.mark.parametrize(
    "options", [{"http_modifier1": "256"}, {"http_to": "x:y"}, {"http": "127.0.0.1:x"}]
)
def test_mistakes_show_before_a_process_starts(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        http_router.configured(config_of(**{"http": "127.0.0.1:0", **options}), [])
