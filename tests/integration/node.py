"""A node http server as a neighbour: what the document's third route leads to."""

import shutil

import pytest

from tests.conformance.harness import Starter, Subject, free_port

PROGRAM = shutil.which("node") or shutil.which("nodejs")


def node_backend(start: Starter, script: str) -> Subject:
    """Start a script on PORT1 to PORT3, its arguments, and wait until they are listened on."""
    if PROGRAM is None:
        pytest.skip("absent: node is not installed")
    directory = start.directory({"server.js": script})
    ports = {name: free_port() for name in ("PORT1", "PORT2", "PORT3")}
    argv = [PROGRAM, "server.js", *map(str, ports.values())]
    subject = Subject(directory, argv, {})
    subject.ports = ports
    start.subjects.append(subject)
    subject.wait_listening(*ports.values())
    return subject
