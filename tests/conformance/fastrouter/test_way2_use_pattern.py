"""Way 2: a pattern."""

from tests.conformance.fastrouter.talk import ROUTER, TALLY, names, node
from tests.conformance.harness import (
    Starter,
    covers,
)


@covers("FR-35", "FR-36", "FR-37")
def test_way_2_puts_the_key_into_the_pattern(start: Starter) -> None:
    """Each %s is the key, %% one percent sign; any kind of address may come out."""
    directory = start.directory({"example.com/.keep": ""})
    with node("P", str(directory / "example.com/uwsgi.sock")), node("T") as tcp:
        unix = start(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT"],
            *["--fastrouter-use-pattern", f"{directory}/%s/uwsgi.sock"],
            until=ROUTER,
        )
        assert names(unix.port, 1) == ["P"]
        ini = start(TALLY + f"fastrouter-use-pattern = {directory}/%%s/uwsgi.sock\n", until=ROUTER)
        assert names(ini.port, 1) == ["P"]
        ports = start(TALLY + "fastrouter-use-pattern = 127.0.0.1:%%s\n", until=ROUTER)
        assert names(ports.port, 1, tcp.address.rpartition(":")[2]) == ["T"]


@covers("FR-35")
def test_way_2_expands_a_key_only_once(start: Starter) -> None:
    """A key that holds %s stays as it is; %% is one percent sign, %x nothing."""
    directory = start.directory()
    with node("N", str(directory / "100%y-%s")):
        subject = start(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT"],
            *["--fastrouter-use-pattern", f"{directory}/100%%%xy-%s"],
            until=ROUTER,
        )
        assert names(subject.port, 1, "%s") == ["N"]
