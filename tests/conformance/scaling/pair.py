"""A site of two workers under a master, and the lines that tell of its beginnings."""

from tests.conformance.harness import Starter, Subject, awake

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 2
module = case_app
"""
SECOND = "spawned uWSGI worker 2"
AGAIN = r"^gracefully \(RE\)spawned uWSGI master process \(pid: (\d+)\)$"


def serving(start: Starter, more: str = "", front: str = "http-socket") -> Subject:
    """Start it and wait until every core has answered; more is added to the configuration."""
    subject = start(SITE.replace("http-socket", front) + more, until=SECOND)
    awake(subject, 4 if "threads = 2" in more else 2)
    return subject
