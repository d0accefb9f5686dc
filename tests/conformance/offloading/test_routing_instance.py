"""Rules that reach the process, its metrics, its signals, and what the answer says of time."""

import pytest

from tests.conformance.harness import WORKER, Starter, Subject, covers, get

APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"].startswith("/page"):
        return [b"<${PATH_", b"INFO}|$1|${NOPE}|$$>"]
    if environ["PATH_INFO"] == "/empty":
        return []
    return ["|".join(environ.get(n, "-") for n in ("SCRIPT_NAME", "PATH_INFO", "V")).encode()]
"""


def site(start: Starter, *rules: str) -> Subject:
    ini = ["http-socket = 127.0.0.1:PORT", "master = true", "metric = mine", "module = app"]
    return start("\n".join([*ini, *rules]), files={"app.py": APP}, until=WORKER)


@covers("OF-125")
def test_metrics_are_changed(start: Starter) -> None:
    steps = ("set:mine,12", "mul:mine,3", "dec:mine,2", "div:mine,2", "inc:mine", "inc:mine,5")
    rules = [f"route-run = metric{step}" for step in steps]
    subject = site(start, *rules, "route-run = addvar:V=${metric[mine]}/${metric[no.such]}")
    assert get(subject.port, "/").text == "|/|23/0"
    assert get(subject.port, "/").text == "|/|23/0"


@covers("OF-110")
def test_signals_without_a_handler_are_logged(start: Starter) -> None:
    subject = site(start, "route-run = signal:17", "route-run = alarm:nobody it happened")
    assert get(subject.port, "/").text == "|/|-"
    subject.wait_for("error managing signal 17 on worker 1$")


@covers("OF-126")
def test_a_key_finds_its_item(start: Starter) -> None:
    subject = site(start, "route-run = hash:key=${PATH_INFO},var=V,items=one;two;three")
    found = {path: get(subject.port, path).text.rpartition("|")[2] for path in ("/a", "/b", "/abc")}
    assert found == {"/a": "three", "/b": "three", "/abc": "one"}


@covers("OF-126")
def test_items_in_turn(start: Starter) -> None:
    subject = site(start, "route-run = hash:key=x,var=V,items=one;two;three,algo=rr")
    found = [get(subject.port, "/").text.rpartition("|")[2] for _ in range(4)]
    assert found == ["one", "two", "three", "one"]


@covers("OF-127")
@pytest.mark.parametrize(
    ("argument", "date"),
    [
        ("value=3600", "Thu, 01 Jan 1970 01:00:00 GMT"),
        ("unix=86400", "Fri, 02 Jan 1970 00:00:00 GMT"),
        ("unix=${QUERY_STRING},value=60", "Thu, 01 Jan 1970 00:17:40 GMT"),
    ],
)
def test_an_answer_expires(start: Starter, argument: str, date: str) -> None:
    subject = site(start, f"route-run = expires:{argument}")
    assert get(subject.port, "/?1000").get("expires") == date


@covers("OF-123")
def test_a_body_is_a_template(start: Starter) -> None:
    subject = site(start, "route = ^/(page) template:")
    assert get(subject.port, "/page").text == "</page|page||$$>"


@covers("OF-123")
def test_a_length_is_forced(start: Starter) -> None:
    subject = site(start, "route-run = forcecl:")
    assert get(subject.port, "/empty").get("content-length") == "0"
    assert get(subject.port, "/").get("content-length") == "4"


@covers("OF-110")
def test_the_script_is_taken_off_the_path(start: Starter) -> None:
    subject = site(start, "route-run = setscriptname:/app", "route-run = fixpathinfo:")
    assert get(subject.port, "/app/x").text == "/app|/x|-"
    assert get(subject.port, "/app").text == "/app||-"


@covers("OF-128", kind="beyond")
def test_nothing_is_taken_that_is_not_the_script(start: Starter) -> None:
    subject = site(
        start,
        *("route-run = setscriptname:/app", "route-run = fixpathinfo:"),
        *("route-run = metricinc:no.such", "route-run = expires:filename=/no/such"),
    )
    assert get(subject.port, "/y").text == "/app|/y|-"
    assert get(subject.port, "/apples").text == "/app|/apples|-"
    subject.wait_for("there is no metric 'no.such'")


@covers("OF-128", kind="beyond")
@pytest.mark.parametrize("action", ["rpc", "rpcret", "call"])
def test_what_is_not_built_is_refused_by_name(start: Starter, action: str) -> None:
    rules = f"http-socket = 127.0.0.1:PORT\nmodule = app\nroute-run = {action}:f"
    finished = start.run(rules, files={"app.py": APP})
    assert finished.code == 1
    assert "the RPC subsystem is not built here" in finished.log
