"""A database server of two kinds and a message broker, as little of them as an emperor needs.

What: each listens on a free port, talks the wire protocol to the real driver in the emperor, and
      holds what a case puts into it.  PostgreSQL: simple queries.  MongoDB: hello and find.  AMQP:
      one queue that is polled.
"""

import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

Row = tuple[str | None, ...]


class Server:
    """Accepts, and serves each connection in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Any] = []  # what clients wanted, for a look
        self.open()

    def open(self) -> None:
        """Accept, on the port that was had before."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting."""
        try:
            # A thread inside accept() keeps a socket that is only closed.
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was closed before
        self.listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self.talk(client)
            except (OSError, EOFError):
                pass

    def talk(self, client: socket.socket) -> None:
        """Have the conversation with one client."""
        raise NotImplementedError


def exactly(client: socket.socket, size: int) -> bytes:
    """Receive so many bytes."""
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


class Postgres(Server):
    """Answers every query with its rows."""

    OIDS = (25, 25, 1700, 23, 23, 25)

    def __init__(self) -> None:
        self.rows: list[Row] = []
        super().__init__()

    def talk(self, client: socket.socket) -> None:
        """Begin a session, then answer queries."""
        while True:
            (size,) = struct.unpack("!i", exactly(client, 4))
            start = exactly(client, size - 4)
            if start[:2] != b"\x04\xd2":  # a wish for encryption
                break
            client.sendall(b"N")
        hello = _message(b"R", struct.pack("!i", 0))
        for name, value in (("server_version", "15.0"), ("client_encoding", "UTF8")):
            hello += _message(b"S", f"{name}\0{value}\0".encode())
        client.sendall(hello + _message(b"K", bytes(8)) + _message(b"Z", b"I"))
        while True:
            kind = exactly(client, 1)
            (size,) = struct.unpack("!i", exactly(client, 4))
            body = exactly(client, size - 4)
            if kind == b"X":
                return
            self.asked.append(body.rstrip(b"\0").decode())
            client.sendall(self._answer())

    def _answer(self) -> bytes:
        width = len(self.rows[0]) if self.rows else 3
        columns = b"".join(
            f"c{n}\0".encode() + struct.pack("!ihihih", 0, 0, self.OIDS[n], -1, -1, 0)
            for n in range(width)
        )
        answer = _message(b"T", struct.pack("!h", width) + columns)
        for row in self.rows:
            fields = [None if value is None else value.encode() for value in row]
            packed = b"".join(
                struct.pack("!i", -1) if field is None else struct.pack("!i", len(field)) + field
                for field in fields
            )
            answer += _message(b"D", struct.pack("!h", width) + packed)
        return answer + _message(b"C", b"SELECT\0") + _message(b"Z", b"I")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class Mongo(Server):
    """Answers every find with its documents."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        super().__init__()

    def talk(self, client: socket.socket) -> None:
        """Answer commands, of the old form and of the new one."""
        import bson

        while True:
            size, number, _, code = struct.unpack("<iiii", exactly(client, 16))
            body = exactly(client, size - 16)
            old = code == 2004
            start = body.index(b"\0", 4) + 9 if old else 5
            (length,) = struct.unpack_from("<i", body, start)
            answer = bson.encode(self._answer(bson.decode(body[start : start + length])))
            head = struct.pack("<iqii", 8, 0, 0, 1) if old else struct.pack("<ib", 0, 0)
            total = 16 + len(head) + len(answer)
            client.sendall(
                struct.pack("<iiii", total, 1, number, 1 if old else 2013) + head + answer
            )

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {"ok": 1, "isWritablePrimary": True, "ismaster": True, "maxWireVersion": 21}
        if name == "find":
            self.asked.append(command)
            space = f"{command['$db']}.{command['find']}"
            return {"ok": 1, "cursor": {"id": 0, "ns": space, "firstBatch": self.documents}}
        return {"ok": 1}


class Amqp(Server):
    """A broker with one queue; `publish` puts a message into it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any], bytes]] = []
        super().__init__()

    def publish(self, key: str, body: bytes, **headers: str) -> None:
        """Put a message into the queue."""
        self.messages.append((key, headers, body))

    def talk(self, client: socket.socket) -> None:
        """Answer the methods of a client."""
        from pika import frame, spec

        exactly(client, 8)

        def send(channel: int, method: Any) -> None:
            client.sendall(frame.Method(channel, method).marshal())

        send(0, spec.Connection.Start(0, 9, {}, "PLAIN", "en_US"))
        received = b""
        while True:
            used, found = frame.decode_frame(received)
            if found is None:
                part = client.recv(65536)
                if not part:
                    return
                received += part
                continue
            received = received[used:]
            if isinstance(found, frame.Method):
                self.asked.append(found.method)
                self._obey(found.channel_number, found.method, send, client)

    def _obey(
        self, channel: int, method: Any, send: Callable[[int, Any], None], client: socket.socket
    ) -> None:
        from pika import frame, spec

        if isinstance(method, spec.Basic.Get):
            if not self.messages:
                send(channel, spec.Basic.GetEmpty())
                return
            key, headers, body = self.messages.pop(0)
            send(channel, spec.Basic.GetOk(1, False, "uwsgi.emperor", key, 0))
            properties = spec.BasicProperties(headers=headers)
            client.sendall(frame.Header(channel, len(body), properties).marshal())
            if body:
                client.sendall(frame.Body(channel, body).marshal())
            return
        answers: dict[type, Any] = {
            spec.Connection.StartOk: spec.Connection.Tune(2047, 131072, 0),
            spec.Connection.Open: spec.Connection.OpenOk(),
            spec.Connection.Close: spec.Connection.CloseOk(),
            spec.Channel.Open: spec.Channel.OpenOk(),
            spec.Channel.Close: spec.Channel.CloseOk(),
            spec.Exchange.Declare: spec.Exchange.DeclareOk(),
            spec.Queue.Declare: spec.Queue.DeclareOk("amq.gen-1", 0, 0),
            spec.Queue.Bind: spec.Queue.BindOk(),
        }
        if type(method) in answers:
            send(channel, answers[type(method)])
