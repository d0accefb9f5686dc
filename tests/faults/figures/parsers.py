"""M1, M2, M10, M11, M13: what reads a peer's bytes."""

import os
import random
import re
import subprocess
import sys
import tarfile
import time
import tracemalloc
from pathlib import Path

from refuwsgi.fastrouter.slots import Table
from refuwsgi.gateway_rules import Asked
from refuwsgi.protocol import http
from refuwsgi.protocol.subscription import Announcement, encode, parse
from tests.conformance.harness import Client, Late, Subject, alive, get
from tests.faults.figures.figure import Figure, Numbers, at, milliseconds, starter, timed
from tests.fuzz.engine import kept, mutated
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent.parent
CACHE = ROOT / ".cache" / "corpora"
FRONTS = {"http-socket": "PORT", "http11-socket": "PORT1", "http": "PORT2"}


def fuzzed(numbers: Numbers) -> Figure:
    """M1: any bytes, to the parsers of heads, packets and announcements."""
    before = len(os.listdir("/proc/self/fd"))
    for name in ("head", "packet", "subscription"):
        dice = random.Random(1)
        feed, longest = TARGETS[name]
        seeds = [path.read_bytes() for path in kept(name)]
        for _ in range(numbers["inputs"]):
            feed(mutated(dice, dice.choice(seeds))[:longest])
    more = len(os.listdir("/proc/self/fd")) - before
    return Figure({"inputs of each kind": numbers["inputs"], "finds": 0, "descriptors": more}, True)


def corpus() -> list[tuple[bool, str, bytes]]:
    """The requests of gunicorn's tests: whether they are valid, a name, the bytes."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not list(CACHE.glob("gunicorn-*.tar.gz")):
        words = ["download", "--no-binary", "gunicorn", "--no-deps", "-d", str(CACHE), "gunicorn"]
        subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, check=False)
    found = []
    for path in CACHE.glob("gunicorn-*.tar.gz"):
        with tarfile.open(path) as archive:
            texts = {
                member.name: (archive.extractfile(member) or sys.exit()).read()
                for member in archive.getmembers()
                if re.search(r"tests/requests/(in)?valid/[^/]+\.(http|py)$", member.name)
            }
        for name, text in sorted(texts.items()):
            settings = texts.get(name.removesuffix(".http") + ".py", b"")
            # A request that is judged under settings of gunicorn's own says nothing about us.
            if name.endswith(".http") and b"cfg.set" not in settings:
                valid = "/valid/" in name
                data = decoded(text)
                found.append((valid, name.rpartition("requests/")[2], hosted(data, valid)))
    return found


def hosted(data: bytes, valid: bool) -> bytes:
    """Add the Host that HTTP/1.1 wants, where a valid request is about something else."""
    if valid and b"HTTP/1.1\r\n" in data and b"host:" not in data.lower():
        return data.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nHost: a\r\n")
    return data


def decoded(text: bytes) -> bytes:
    """A request file: line breaks of the file mean nothing, escapes mean bytes."""
    text = text.replace(b"\n", b"").replace(b"\\r", b"\r").replace(b"\\n", b"\n")
    text = text.replace(b"\\0", b"\0").replace(b"\\t", b"\t")
    return re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda hit: bytes([int(hit[1], 16)]), text)


def judged(subject: Subject, front: str, data: bytes, drip: bool) -> str:
    """What became of a request: served, refused, or what must not be."""
    try:
        with Client(subject.ports[FRONTS[front]], limit=15) as client:
            size = 7 if drip else len(data)
            for start in range(0, len(data), size):
                client.send(data[start : start + size])
            try:
                client.half_close()
            except OSError:
                pass  # refused already
            raw = client.rest().raw
    except Late:
        return "hung"
    if raw and not re.match(rb"HTTP/1\.[01] [1-5]\d\d ", raw):
        return "no status line"
    return "served" if re.match(rb"HTTP/1\.[01] (200|100)", raw) else "refused"


def corpora(numbers: Numbers) -> Figure:
    """M2: other people's requests, at every front, whole and in drips."""
    requests = corpus()
    if not requests:
        print("skipped: the requests of gunicorn's tests cannot be downloaded here")
        return Figure({"skipped": "the corpus cannot be downloaded"}, True)
    bad: list[str] = []
    counts = {(True, "served"): 0, (False, "refused"): 0, (True, ""): 0, (False, ""): 0}
    with starter() as start:
        lines = "".join(f"{front} = 127.0.0.1:{port}\n" for front, port in FRONTS.items())
        subject = start(lines + "master = true\nthreads = 2\nmodule = case_app\n", tracebacks=True)
        worker = subject.worker()
        for front in FRONTS:
            for drip in (False, True)[: 1 + numbers["drip"]]:
                for valid, name, data in requests:
                    said = judged(subject, front, data, drip)
                    counts[valid, ""] += 1
                    counts[valid, said] = counts.get((valid, said), 0) + 1
                    if said != ("served" if valid else "refused"):
                        bad.append(f"{front}: {name}: {said}")
        same = subject.worker() == worker and alive(worker)
        same = same and get(subject.port, "/hello").text == "hello"
    share = counts[False, "refused"] / max(1, counts[False, ""])
    measured: Numbers = {
        "requests": len(requests),
        "valid ones served": f"{counts[True, 'served']} of {counts[True, '']}",
        "invalid ones refused": f"{counts[False, 'refused']} of {counts[False, '']}",
        "the same worker afterwards": same,
        "otherwise": sorted(bad)[:40],
    }
    hung = [text for text in bad if text.endswith(("hung", "line"))]
    return Figure(measured, same and not hung and share >= 0.9)


def subscriptions(numbers: Numbers) -> Figure:
    """M10: many keys, and datagrams as fast as they can be taken."""
    count = numbers["keys"]
    table = Table(lambda line: None)
    datagrams = [
        encode(Announcement(b"key%d.example.com" % n, b"10.0.0.1:%d" % (1024 + n % 60000)))
        for n in range(count)
    ]
    keys = [b"key%d.example.com" % n for n in range(count)]
    tracemalloc.start()
    for datagram in datagrams:
        said = parse(datagram)
        assert said is not None
        table.announce(said, said.address.decode(), 1.0)
    memory = tracemalloc.get_traced_memory()[0] / count - len(keys[0])
    tracemalloc.stop()
    began = time.perf_counter()
    for datagram in datagrams:
        said = parse(datagram)
        assert said is not None
        table.announce(said, said.address.decode(), 2.0)
    rate = count / (time.perf_counter() - began)
    dice = random.Random(1)
    took = timed(lambda: table.choose(Asked(dice.choice(keys)), 2.0), 20_000)
    measured: Numbers = {
        "keys": count,
        "lookup, p99 ms": milliseconds(at(0.99, took)),
        "announcements a second": round(rate),
        "bytes a key": round(memory),
    }
    return Figure(measured, at(0.99, took) <= 0.001 and rate >= 10_000)


def covered(numbers: Numbers) -> Figure:
    """M11: how much of the parsers their unit tests and the kept inputs reach."""
    data = ROOT / ".cache" / "figures.coverage"
    tests = ["tests/unit/protocol", "tests/fuzz", "tests/unit/test_ini.py"]
    tests += ["tests/unit/test_ini_formats.py", "tests/unit/test_ini_logic.py"]
    tests += ["tests/unit/test_ini_placeholders.py", "tests/unit/offloading/test_static_ranges.py"]
    env = {**os.environ, "COVERAGE_FILE": str(data)}
    include = "refuwsgi/protocol/*,refuwsgi/ini*.py,refuwsgi/offloading/static_ranges.py"
    run = [sys.executable, "-m", "coverage", "run", "--branch"]
    run += ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    subprocess.run(run, cwd=ROOT, env=env, capture_output=True, check=False)
    words = [sys.executable, "-m", "coverage"]
    subprocess.run([*words, "combine"], cwd=ROOT, env=env, capture_output=True, check=False)
    told = subprocess.run(
        [*words, "report", "--precision=1", "--skip-covered", f"--include={include}"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    data.unlink(missing_ok=True)
    total = re.search(r"^TOTAL.* ([\d.]+)%", told, re.M)
    share = float(total[1]) if total else 0.0
    return Figure({"branches and lines, %": share}, share >= numbers["percent"])


def hostile(numbers: Numbers) -> Figure:
    """M13: the heads that take longest to read."""
    size = 64_000
    start = b"GET / HTTP/1.1\r\nHost: a\r\n"
    worst = {
        "many headers": start + b"a:b\r\n" * (size // 5) + b"\r\n",
        "one long value": start + b"X: " + b"y" * size + b"\r\n\r\n",
        "many values of one": start + b"X: y\r\n" * 120 + b"Y: " + b"z" * size + b"\r\n\r\n",
        "dots": b"GET " + b"/.." * (size // 3) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        "escapes": b"GET /" + b"%41" * (size // 3) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        "empty lines": b"\r\n" * (size // 2),
        "commas": start + b"Connection: " + b"," * size + b"\r\n\r\n",
    }
    took = {name: min(read(data) for _ in range(9)) for name, data in worst.items()}
    slowest = max(took, key=lambda name: took[name])
    measured = {"the worst": slowest, "ms of the processor": milliseconds(took[slowest])}
    return Figure(measured, took[slowest] <= 0.01 * numbers["factor"])


def read(data: bytes) -> float:
    """Read a head as a server does; the processor time that it took."""
    began = time.process_time()
    try:
        end = http.head_end(data)
        if end >= 0:
            http.parse_head(data, end)
        else:
            http.check_unfinished(data, 1 << 16)
    except http.HeadError:
        pass
    return time.process_time() - began
