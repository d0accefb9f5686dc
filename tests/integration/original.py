"""The original server as a neighbour: $ORIGINAL_UWSGI, or $UWSGI_BIN, or uwsgi of the PATH.

What: servers of either kind take every variable that begins with UWSGI_ for an option, so CI
      exports the first of these names; the second is understood and kept from them.
"""

import os
import shutil
import textwrap

import pytest

from tests.conformance.harness import Starter, Subject, free_port

NAMED = os.environ.get("ORIGINAL_UWSGI") or os.environ.get("UWSGI_BIN")
PROGRAM = NAMED or shutil.which("uwsgi")


def backend(start: Starter, program: str, ini: str, files: dict[str, str]) -> Subject:
    """Start a server, ours or the original, and wait until its ports are listened on."""
    if program == "refuwsgi":
        return start(ini, files=dict(files), until=r"spawned uWSGI worker 1 \(")
    if PROGRAM is None:
        pytest.skip("absent: no uwsgi, neither $ORIGINAL_UWSGI nor on the PATH")
    directory = start.directory(dict(files))
    ports = {name: free_port() for name in ("PORT1", "PORT2", "PORT3")}
    text = textwrap.dedent(ini)
    for name, port in ports.items():
        text = text.replace(name, str(port))
    (directory / "uwsgi.ini").write_text("[uwsgi]\n" + text)
    subject = Subject(directory, [PROGRAM, "--ini", "uwsgi.ini"], {})
    subject.ports = ports
    start.subjects.append(subject)
    subject.wait_listening(*ports.values())
    return subject
