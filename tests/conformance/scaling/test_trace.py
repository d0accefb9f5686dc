"""trace: who held the client when, written down by every process."""

import json
from pathlib import Path

from tests.conformance.harness import (
    WORKER,
    Starter,
    Subject,
    ask,
    covers,
    eventually,
    exchange,
    get,
    request,
)
from tests.conformance.vassals.empire import added, asked, rule

SITE = """
master = true
http = 127.0.0.1:PORT
fastrouter = 127.0.0.1:PORT1
fastrouter-to = 127.0.0.1:PORT2
socket = 127.0.0.1:PORT2
offload-threads = 1
check-static = DIR/static
module = case_app
trace = DIR/trace
"""
BIG = b"x" * 3_000_000
FILES: dict[str, str | bytes] = {"static/big.bin": BIG, "static/small.txt": "small"}
CORE, THREAD = "worker 1 core 0", "worker 1 offload thread 0"


def notes(path: str) -> list[dict[str, str]]:
    """What the file holds, in the order of time; a line that is being written does not count."""
    lines = Path(path).read_text().splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return sorted(found, key=lambda note: float(note["t"]))


def expect(subject: Subject, expected: dict[str, list[str]]) -> None:
    """Wait until each party has noted exactly this."""

    def noted() -> bool:
        found: dict[str, list[str]] = {}
        for note in notes(subject.path("trace")):
            found.setdefault(note["who"], []).append(note["what"])
        return found == expected

    eventually(noted, f"the trace is {expected}")
    assert len({note["client"] for note in notes(subject.path("trace"))}) == 1


@covers("SC-364", kind="beyond")
def test_a_router_and_a_core_write_one_story(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    assert get(subject.port, "/hello").text == "hello"
    expect(
        subject,
        {
            "http 1": ["takes", "chooses", "answers", "lets go"],
            CORE: ["takes", "answers", "lets go"],
        },
    )


@covers("SC-364", kind="beyond")
def test_a_core_gives_a_client_away_and_a_thread_takes_it(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    answer = exchange(subject.port, request("/big.bin"))
    assert answer.body == BIG
    expect(
        subject,
        {
            "http 1": ["takes", "chooses", "answers", "lets go"],
            CORE: ["takes", "gives away", "lets go"],
            THREAD: ["takes", "answers", "lets go"],
        },
    )


@covers("SC-364", kind="beyond")
def test_a_task_that_ends_at_once_is_answered_by_the_core(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    assert get(subject.port, "/small.txt").text == "small"
    expect(
        subject,
        {
            "http 1": ["takes", "chooses", "answers", "lets go"],
            CORE: ["takes", "answers", "lets go"],
        },
    )


@covers("SC-364", kind="beyond")
def test_the_fastrouter_writes_what_it_has_chosen(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    ask(subject.ports["PORT1"], "/hello", REMOTE_ADDR="127.0.0.1", REMOTE_PORT="77")
    expect(
        subject,
        {
            "fastrouter 1": ["takes", "chooses", "answers", "lets go"],
            CORE: ["takes", "answers", "lets go"],
        },
    )
    (chosen,) = [note for note in notes(subject.path("trace")) if note["what"] == "chooses"]
    assert chosen["about"] == f"127.0.0.1:{subject.ports['PORT2']}"


@covers("SC-364", kind="beyond")
def test_a_client_whose_descriptor_goes_along_is_given_away(start: Starter) -> None:
    """Over a UNIX socket the node answers itself, and the router lets go before that."""
    subject = start(SITE.replace("127.0.0.1:PORT2", "DIR/s"), files=FILES, until=WORKER)
    ask(subject.ports["PORT1"], "/hello", REMOTE_ADDR="127.0.0.1", REMOTE_PORT="77")
    expect(
        subject,
        {
            "fastrouter 1": ["takes", "chooses", "gives away", "lets go"],
            CORE: ["takes", "answers", "lets go"],
        },
    )


@covers("SC-364", kind="beyond")
def test_an_emperor_writes_who_was_woken(start: Starter) -> None:
    """The vassal writes nothing: it is an instance of its own, and nobody has told it to."""
    empire = rule(start, "--emperor-on-demand-extension", ".socket", "--trace", "DIR/trace")
    address = added(empire, "woken")
    asked(address)
    path = empire.path("trace")
    whats = ["sleeps", "hears", "starts", "is ready"]
    eventually(lambda: [note["what"] for note in notes(path)] == whats, "all is noted")
    assert {note["who"] for note in notes(path)} == {"emperor"}


@covers("SC-364", kind="beyond")
def test_a_file_that_cannot_be_opened_ends_the_start(start: Starter) -> None:
    run = start.run("http-socket = 127.0.0.1:PORT\ntrace = DIR/none/trace\n")
    assert run.code == 1
    assert "trace: " in run.log
    assert "No such file or directory" in run.log
