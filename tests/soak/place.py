"""The place of a soak: an emperor, a router for its nodes, a site behind http; who is where.

What: three servers.  The emperor has an ordinary vassal, one that sleeps until somebody comes,
      and two nodes that announce themselves to the fastrouter.  The site has an http router,
      workers that come and go, offload threads, a cache and post-buffering.
"""

import re
import signal
from pathlib import Path

from tests.conformance.harness import Starter, Subject, free_port, touch

APP = """
import os, uwsgi, case_app
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/cached/"):
        value = uwsgi.cache_get(path)
        if value is None:
            value = os.urandom(4000).hex().encode()
            uwsgi.cache_update(path, value, 5)
        start_response("200 OK", [("Content-Length", str(len(value)))])
        return [value]
    return case_app.application(environ, start_response)
"""
SITE = """
http = 127.0.0.1:PORT
http-keepalive = 1
stats = 127.0.0.1:PORT1
master = true
processes = 4
cheaper = 1
threads = 2
offload-threads = 2
check-static = DIR/files
cache2 = name=soak,items=50,blocksize=8192
post-buffering = 65536
module = soak_app
"""
ROUTER = """
fastrouter = 127.0.0.1:PORT
fastrouter-subscription-server = 127.0.0.1:SUBSCRIPTIONS
fastrouter-post-buffering = 300000
master = true
"""
EMPEROR = """
emperor = DIR/vassals
emperor-on-demand-extension = .socket
emperor-stats = DIR/stats.sock
"""
VASSAL = "[uwsgi]\nmodule = case_app\nchdir = HERE\nmaster = true\nprocesses = 1\nthreads = 2\n"
NODE = "socket = 127.0.0.1:0\nsubscribe-to = 127.0.0.1:SUBSCRIPTIONS:soak\n"
FILE = bytes(range(256)) * 4096


class Place:
    """The three servers and their addresses."""

    def __init__(self, starter: Starter, temporary: Path) -> None:
        subscriptions = str(free_port())
        env = {"TMPDIR": str(temporary)}
        files: dict[str, str | bytes] = {"soak_app.py": APP, "files/big.bin": FILE}
        router = ROUTER.replace("SUBSCRIPTIONS", subscriptions)
        self.router = starter(router, env=env)
        self.site = starter(SITE, files=files, env=env)
        here = starter.directory()
        self.plain, self.sleeper = f"{here}/plain.sock", f"{here}/sleeper.sock"
        vassals = here / "vassals"
        vassals.mkdir()
        vassal = VASSAL.replace("HERE", str(here))
        node = vassal + NODE.replace("SUBSCRIPTIONS", subscriptions)
        (vassals / "plain.ini").write_text(vassal + f"socket = {self.plain}\n")
        (vassals / "sleeper.ini").write_text(vassal + "idle = 2\ndie-on-idle = true\n")
        (vassals / "sleeper.ini.socket").write_text(self.sleeper)
        for number in (1, 2):
            (vassals / f"node{number}.ini").write_text(node)
        self.vassals = vassals
        self.empire = starter.launch(EMPEROR, directory=here)
        self.empire.wait_listening(self.plain, self.sleeper)
        self.empire.wait_for(r"vassal node2.ini is ready to accept requests")
        self.router.wait_for(r"(?s)new node(.*)new node")

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """All servers."""
        return self.site, self.router, self.empire

    def worker(self) -> int:
        """The pid of a worker of the site; 0 if none is known."""
        return max(self.site.workers().values(), default=0)

    def gateway(self, subject: Subject, kind: str) -> int:
        """The pid of the latest router process."""
        found = re.findall(rf"(?i)spawned uWSGI {kind} 1 \(pid: (\d+)\)", subject.log)
        return int(found[-1]) if found else 0

    def vassal_worker(self) -> int:
        """The pid of a worker of the ordinary vassal or a node."""
        return max(self.empire.workers().values(), default=0)

    def reload_all(self) -> None:
        """Reload every instance once."""
        since = len(self.empire.log)
        for subject in (self.site, self.router):
            before = len(subject.log)
            subject.signal(signal.SIGHUP)
            subject.wait_for(r"^spawned uWSGI", since=before)
        for vassal in self.vassals.glob("*.ini"):
            touch(str(vassal))
        for name in ("plain", "node1", "node2"):
            ready = rf"vassal {name}.ini is ready to accept requests"
            self.empire.wait_for(ready, since=since)
