"""Post-buffering: a node hears of a request when its body is here, to the last byte.

Section:  fastrouter / Post-buffering mode (uWSGI >= 2.0.9)
What:     a body of up to n bytes is kept in memory, a bigger one in a temporary file without a
          name.  A request that announces no body is streamed as ever, so chunked bodies and
          websockets pass.

              body == n   memory: a pipe that holds it as it came, or, if it is small or comes in
                          too many pieces, a buffer that is filled and sent in place
              body == n+1 file: brought there through a pipe, and sent from there by the kernel

Units:    bytes; seconds of silence that a client is granted.
Errors:   a body that cannot be kept is a `Failure`: the client is answered or closed, and the node
          never hears of it.  A client that leaves half-way is None.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from socket import SocketType

from refuwsgi.gateway_buffer import CHUNK, buffer
from refuwsgi.gateway_rules import UNAVAILABLE, Failure, Keep
from refuwsgi.gateway_stores import File, Pipe, Store, come, pipes
from refuwsgi.loop import READ, Wait, wait
from refuwsgi.options import Config, Option, octets, text
from refuwsgi.waiting import NOW

POST_BUFFERING = Option(
    "fastrouter-post-buffering",
    octets,
    default=0,
    help="read whole bodies before the node is asked; those over this many bytes go to disk",
)
POST_BUFFERING_DIR = Option(
    "fastrouter-post-buffering-dir",
    text,
    default="",
    help="accepted for the sake of old files; bodies go to $TMPDIR or /tmp, as in uWSGI",
)

POOLED = 16  # buffers
LARGEST_POOLED = 4 * 1024 * 1024
PIPED = 64 * 1024  # of less than that, a copy is cheaper than the calls that a pipe needs


class Body:
    """A body that is all here."""

    __slots__ = ("_release", "memory", "store")

    def __init__(
        self, memory: memoryview | None, store: Store | None, release: Callable[[], None]
    ) -> None:
        self.memory = memory
        self.store = store
        self._release = release

    def release(self) -> None:
        """Give back what held it."""
        self.memory = self.store = None
        self._release()


class PostBuffering:
    """Keeps bodies until they are whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pool: list[bytearray] = []

    async def keep(
        self, client: SocketType, size: int, first: bytes, patience: float
    ) -> Body | None:
        """Read `size` bytes, of which `first` are here already; None when the client leaves."""
        first = first[:size]
        if size <= self._limit:
            if size - len(first) >= PIPED and (pipe := pipes.borrow()) is not None:
                return await self._in_pipe(client, size, first, patience, pipe)
            return await self._in_memory(client, size, first, patience)
        return await self._in_file(client, size, first, patience)

    async def _in_pipe(
        self, client: SocketType, size: int, first: bytes, patience: float, pipe: Pipe
    ) -> Body | None:
        wanted = Wait(((client, READ),), patience)
        heard = whole = False
        try:
            pipe.put(first)
            while pipe.left < size:
                try:
                    if not pipe.take(client, size - pipe.left):
                        return None
                    heard = False
                except BlockingIOError:
                    if heard:  # something has come, but there is no room: it came in small pieces
                        return await self._in_memory(client, size, b"", patience, pipe)
                    await wait(wanted)
                    heard = True
            whole = True
        finally:
            if not whole:
                pipe.release()
        # Beyond: uWSGI gives up a UNIX node that does not take all of a large body at once.
        return Body(None, pipe, pipe.release)

    async def _in_memory(
        self,
        client: SocketType,
        size: int,
        first: bytes,
        patience: float,
        pipe: Pipe | None = None,
    ) -> Body | None:
        pooled = self._limit <= LARGEST_POOLED
        room = (
            (self._pool.pop() if self._pool else bytearray(self._limit))
            if pooled
            else (bytearray(size))
        )
        memory = memoryview(room)[:size]
        body = Body(memory, None, lambda: self._give_back(room, pooled))
        whole = False
        try:
            here = len(first)
            memory[:here] = first
            if pipe is not None:
                here += pipe.pour(memory[here:])
                pipe.release()
            whole = await _fill(client, memory, here, patience)
        finally:
            if not whole:
                body.release()
        return body if whole else None

    def _give_back(self, room: bytearray, pooled: bool) -> None:
        if pooled and len(self._pool) < POOLED:
            self._pool.append(room)

    async def _in_file(
        self, client: SocketType, size: int, first: bytes, patience: float
    ) -> Body | None:
        try:
            file = nameless_file()
        except OSError as problem:
            raise Failure(UNAVAILABLE, f"no temporary file: {problem.strerror}") from None
        whole = False
        try:
            whole = await _pour(client, file, size, first, patience)
        finally:
            if not whole:
                os.close(file)
        return Body(None, File(file, size), lambda: os.close(file)) if whole else None


async def _fill(client: SocketType, memory: memoryview, here: int, patience: float) -> bool:
    """Read until `memory` is full; False when the client leaves before that."""
    wanted = Wait(((client, READ),), patience)
    while here < len(memory):
        try:
            got = client.recv_into(memory[here:], 0, NOW)
        except BlockingIOError:
            await wait(wanted)
            continue
        if not got:
            return False
        here += got
    return True


async def _pour(client: SocketType, file: int, size: int, first: bytes, patience: float) -> bool:
    """Write `size` bytes of the client to `file`; False when it leaves before that."""
    wanted = Wait(((client, READ),), patience)
    _write(file, memoryview(first))
    missing = size - len(first)
    while missing:
        try:
            got = _moved(client, file, min(missing, CHUNK))
        except BlockingIOError:
            await wait(wanted)
            continue
        if not got:
            return False
        missing -= got
    return True


def _moved(client: SocketType, file: int, most: int) -> int:
    """Bring into the file what has come of the client, and say how much; 0 when it has ended."""
    came = come(client, most, unread=most >= PIPED)
    got = came.left
    try:
        if isinstance(came, Pipe):
            _save(came, file)
        else:
            _write(file, came.data)
    finally:
        came.release()
    return got


def _save(pipe: Pipe, file: int) -> None:
    try:
        pipe.save(file)
    except OSError as problem:
        if problem.errno != errno.EINVAL:
            raise _not_kept(problem) from None
        _write(file, buffer[: pipe.pour(buffer)])  # a file system that takes no pipes


def _write(file: int, data: memoryview) -> None:
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError as problem:
        raise _not_kept(problem) from None


def _not_kept(problem: OSError) -> Failure:
    return Failure(UNAVAILABLE, f"the body cannot be kept: {problem.strerror}")


def nameless_file() -> int:
    """Open a file that nobody else can find, and that vanishes when it is closed."""
    directory = os.environ.get("TMPDIR") or "/tmp"  # Departure: an empty TMPDIR is no directory
    try:
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except (AttributeError, IsADirectoryError, NotADirectoryError):
        pass
    except OSError as problem:
        if problem.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
    import tempfile

    file, name = tempfile.mkstemp(prefix="refuwsgi-", dir=directory)
    os.unlink(name)
    return file


def configured(config: Config) -> Keep | None:
    """Build what keeps bodies, if the operator wants them kept."""
    limit = config[POST_BUFFERING]
    return PostBuffering(limit).keep if limit else None
