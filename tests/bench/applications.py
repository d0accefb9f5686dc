"""The applications under the servers, and two that stand in for servers: as texts, for a room."""

from pathlib import Path

HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""

# Tells the bench that a request has begun, and holds it until a file appears.
HOLD = """
import os, socket, time
def application(environ, start_response):
    if environ.get("PATH_INFO") == "/hold":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"begun", ("127.0.0.1", int(os.environ["BENCH_UDP"])))
        end = time.monotonic() + 60
        while time.monotonic() < end and not os.path.exists(os.environ["BENCH_RELEASE"]):
            time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""

# Static files as an application serves them by itself, for servers that have no such option.
WRAPPER = """
import os
ROOT = os.environ["BENCH_ROOT"]
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]
    file = open(ROOT + path, "rb")
    size = str(os.fstat(file.fileno()).st_size)
    start_response("200 OK", [("Content-Type", "x/y"), ("Content-Length", size)])
    wrap = environ.get("wsgi.file_wrapper")
    return wrap(file, 65536) if wrap else iter(lambda: file.read(65536), b"")
"""

# A relay as a first program with asyncio would have it: the plain rival of the routers.
ASYNCIO_RELAY = """
import asyncio, itertools, sys
port, nodes = int(sys.argv[1]), itertools.cycle(int(word) for word in sys.argv[2:])
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
async def client(reader, writer):
    head = await reader.readexactly(4)
    block = await reader.readexactly(head[1] | head[2] << 8)
    found, i = {}, 0
    while i < len(block):
        size = int.from_bytes(block[i:i + 2], "little"); key = block[i + 2:i + 2 + size]
        i += 2 + size
        size = int.from_bytes(block[i:i + 2], "little"); found[key] = block[i + 2:i + 2 + size]
        i += 2 + size
    found[b"HTTP_HOST"]
    node_reader, node_writer = await asyncio.open_connection("127.0.0.1", next(nodes))
    node_writer.write(head + block)
    up = asyncio.ensure_future(copy(reader, node_writer))
    await copy(node_reader, writer)
    up.cancel(); node_writer.close(); writer.close()
async def main():
    async with await asyncio.start_server(client, "127.0.0.1", port, backlog=4096) as server:
        await server.serve_forever()
asyncio.run(main())
"""

# One blocking worker that reads a whole body before it answers: slow uploads would block it.
ONE_WORKER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
while True:
    client, _ = listener.accept()
    try:
        with client, client.makefile("rb") as file:
            head = file.read(4); block = file.read(head[1] | head[2] << 8)
            at = block.find(b"CONTENT_LENGTH") + 14
            size = int.from_bytes(block[at:at + 2], "little")
            left = int(block[at + 2:at + 2 + size] or 0)
            while left > 0:
                left -= len(file.read(min(left, 65536))) or left
            client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello")
    except OSError:
        pass
"""

WSGIREF = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from importlib import import_module
class Handler(WSGIRequestHandler):
    def log_message(self, *words):
        pass
WSGIServer.request_queue_size = 1024
application = import_module(sys.argv[2]).application
make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Handler).serve_forever()
"""

CHEROOT = """
import sys
from importlib import import_module
from cheroot.wsgi import Server
threads = int(sys.argv[3])
Server(("127.0.0.1", int(sys.argv[1])), import_module(sys.argv[2]).application,
       numthreads=threads, max=threads, request_queue_size=1024).start()
"""

FILES = {
    "hello.py": HELLO,
    "hold.py": HOLD,
    "wrapper.py": WRAPPER,
    "asyncio_relay.py": ASYNCIO_RELAY,
    "one_worker.py": ONE_WORKER,
    "wsgiref_.py": WSGIREF,
    "cheroot_.py": CHEROOT,
}


def furnish(room: Path) -> None:
    """Write the applications, and the files that are served."""
    for name, text in FILES.items():
        (room / name).write_text(text)
    static = room / "static"
    static.mkdir()
    (static / "small.bin").write_bytes(bytes(range(256)) * 4)
    with (static / "large.bin").open("wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
