"""A router and two nodes, each on a host of its own: what happens when a cable is cut?"""

import re
import time
from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter, Subject, ask, eventually
from tests.conformance.harness.binary import command
from tests.integration.hosts import Hosts, address, near

KEY = "example.com"
TIMEOUT = 4  # of the router; it gives a node 3 s to take a connection, then it tries another
APP = """
import os
def application(environ, start_response):
    start_response("200 OK", [])
    return [os.environ["NODE"].encode()]
"""
ROUTER = f"""
[uwsgi]
master = true
fastrouter = router.sock
fastrouter-subscription-server = 0.0.0.0:7000
fastrouter-timeout = {TIMEOUT}
subscription-tolerance = 300
"""
NODE = """
[uwsgi]
master = true
socket = :3031
wsgi-file = app.py
subscribe-to = {server}:7000:example.com
subscribe-freq = 1
"""


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    made = Hosts()
    try:
        made.build(2)
        yield made
    finally:
        made.close()


def on(start: Starter, hosts: Hosts, host: str, ini: str, **env: str) -> Subject:
    directory = start.directory({"app.py": APP, "host.ini": ini})
    words = hosts.inside(host, [*command(), "--ini", "host.ini"])
    subject = Subject(directory, words, env)
    start.subjects.append(subject)
    return subject


@pytest.mark.timeout(300)
def test_a_cable_is_cut_and_mended(hosts: Hosts, start: Starter) -> None:
    """Requests go to the other node within the connect timeout, and come back."""
    router = on(start, hosts, hosts.middle, ROUTER)
    router.wait_for("spawned uWSGI fastrouter 1")
    for number, host in enumerate(hosts.others):
        on(start, hosts, host, NODE.format(server=near(number)), NODE=f"node {number + 1}")
    door = router.path("router.sock")

    def asked() -> str:
        return ask(door, HTTP_HOST=KEY).text

    for number in range(2):
        router.wait_for(rf"=> new node: {address(number)}:3031$")
    assert {asked() for _ in range(4)} == {"node 1", "node 2"}

    hosts.cut(0)
    began = time.monotonic()
    assert [asked() for _ in range(6)] == ["node 2"] * 6
    took = time.monotonic() - began
    assert took < TIMEOUT + 10, "one request has waited for the connect timeout, the others not"
    lost = rf'unable to connect\(\) to node "{address(0)}:3031" \(0 retries\): Connection timed out'
    router.wait_for(lost)

    since = len(router.log)
    hosts.mend(0)
    router.wait_for(rf"=> new node: {address(0)}:3031$", since=since)
    eventually(lambda: {asked() for _ in range(4)} == {"node 1", "node 2"}, "both answer again")
    assert len(re.findall("unable to connect", router.log)) == 1
