"""Where vassals come from besides files: databases and messages, which can be restarted.

What: a `Source` starts a server, puts vassals into it, takes them out again, and starts the server
      anew.  PostgreSQL and RabbitMQ are the real ones; ZeroMQ has no server, so it is the sender
      that begins anew; MongoDB's server is not to be had from a package, so a stand-in speaks its
      protocol to the real driver.
"""

import datetime
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
from typing import Any

import pytest

from tests.conformance.harness import Starter, eventually, free_port
from tests.conformance.vassals import fakes

MINUTE = 60.0


def program(pattern: str, what: str) -> str:
    """Find a program that is not on the PATH; without it the test is skipped."""
    found = sorted(glob.glob(pattern))
    if not found:
        pytest.skip(f"absent: {what} is not installed")
    return found[-1]


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


class Source:
    """Something that names vassals."""

    address: str

    def __init__(self, start: Starter) -> None:
        self.place = start.directory()

    def put(self, name: str, config: str, socket: str = "") -> None:
        """Add a vassal, or change it."""
        raise NotImplementedError

    def take(self, name: str) -> None:
        """Remove a vassal."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the server."""
        raise NotImplementedError

    def again(self) -> None:
        """Start the server that was stopped."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs."""
        self.stop()


class Postgres(Source):
    """A cluster of its own in a directory of its own."""

    def __init__(self, start: Starter) -> None:
        super().__init__(start)
        self.program = program("/usr/lib/postgresql/*/bin/postgres", "PostgreSQL")
        self.port = free_port()
        self.user = "postgres" if not os.getuid() else pwd.getpwuid(os.getuid()).pw_name
        self.data = self.place / "data"
        self.data.mkdir()
        shutil.chown(self.data, self.user)
        words = ["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]
        self._run(f"{os.path.dirname(self.program)}/initdb", *words, "-D", str(self.data)).wait()
        self.where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        self.address = f"pg://{self.where};SELECT name,config,ts,uid,gid,socket FROM vassals"
        self.again()
        self._do(
            "CREATE TABLE vassals (name text, config text, ts int, uid int, gid int, socket text)"
        )
        self._ts = 1000

    def _run(self, *words: str) -> "subprocess.Popen[bytes]":
        user = self.user if not os.getuid() else None
        quiet = subprocess.DEVNULL
        return subprocess.Popen(words, user=user, cwd=self.data, stdout=quiet, stderr=quiet)

    def _do(self, query: str, *values: Any) -> None:
        import psycopg

        with psycopg.connect(self.where, autocommit=True) as connection:
            connection.execute(query, values)

    def put(self, name: str, config: str, socket: str = "") -> None:
        """Replace the row."""
        self._ts += 10
        self._do("DELETE FROM vassals WHERE name = %s", name)
        row = (name, config, self._ts, socket or None)
        self._do("INSERT INTO vassals VALUES (%s, %s, %s, 0, 0, %s)", *row)

    def take(self, name: str) -> None:
        """Delete the row."""
        self._do("DELETE FROM vassals WHERE name = %s", name)

    def again(self) -> None:
        """Start it and wait until it takes connections."""
        words = ["-D", str(self.data), "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F"]
        self.process = self._run(self.program, *words)
        eventually(self._ready, "PostgreSQL answers", MINUTE)

    def _ready(self) -> bool:
        import psycopg

        try:
            self._do("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(MINUTE)


class Rabbit(Source):
    """A node of its own, with a port mapper of its own."""

    def __init__(self, start: Starter) -> None:
        super().__init__(start)
        pattern = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
        self.program = program(pattern, "RabbitMQ")
        self.port, distribution, self.mapper = (free_port() for _ in range(3))
        (self.place / "plugins").write_text("[].\n")
        (self.place / "rabbitmq.conf").write_text("")
        self.environ = {
            **os.environ,
            "HOME": str(self.place),
            "RABBITMQ_NODENAME": f"n{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{self.place}/mnesia",
            "RABBITMQ_LOG_BASE": f"{self.place}/log",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": f"{self.place}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.place}/plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.mapper),
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # so that it may be told to end
        }
        self.address = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        self.again()

    def again(self) -> None:
        """Start it and wait until it takes connections."""
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            self.program,
            env=self.environ,
            cwd=self.place,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,  # the program is a script that stays
        )
        eventually(lambda: listens(self.port), "RabbitMQ listens", 2 * MINUTE)

    def stop(self) -> None:
        """Stop the node and forget about good manners: it keeps nothing."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(MINUTE)
        eventually(lambda: not listens(self.port), "RabbitMQ is gone", MINUTE)

    def close(self) -> None:
        """End the port mapper, too, which is a daemon."""
        self.stop()
        words = ["epmd", "-port", str(self.mapper), "-kill"]
        subprocess.run(words, env=self.environ, check=True, stdout=subprocess.DEVNULL)

    def put(self, name: str, config: str, socket: str = "") -> None:
        """Send the config, with the socket in a header."""
        self._send(name, config, {"socket": socket} if socket else {})

    def take(self, name: str) -> None:
        """Send an empty config."""
        self._send(name, "", {})

    def _send(self, name: str, body: str, headers: dict[str, str]) -> None:
        eventually(lambda: self._sent(name, body, headers), "a queue takes the message", MINUTE)

    def _sent(self, name: str, body: str, headers: dict[str, str]) -> bool:
        """Send a message; whether it came into a queue, which the emperor's must be."""
        import pika

        where = pika.URLParameters(self.address)
        try:
            with pika.BlockingConnection(where) as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                channel.exchange_declare("uwsgi.emperor", "fanout")
                told = pika.BasicProperties(headers=headers)
                channel.basic_publish("uwsgi.emperor", name, body.encode(), told, mandatory=True)
        except (pika.exceptions.UnroutableError, pika.exceptions.AMQPConnectionError):
            return False
        return True


class Zmq(Source):
    """Somebody who pushes messages to the emperor."""

    def __init__(self, start: Starter) -> None:
        import zmq

        super().__init__(start)
        self._zmq = zmq
        self.where = f"tcp://127.0.0.1:{free_port()}"
        self.address = f"zmq://{self.where}"
        self.again()

    def again(self) -> None:
        """Connect."""
        self._context = self._zmq.Context()
        self._socket = self._context.socket(self._zmq.PUSH)
        self._socket.connect(self.where)

    def stop(self) -> None:
        """Disconnect."""
        self._socket.close(0)
        self._context.term()

    def put(self, name: str, config: str, socket: str = "") -> None:
        """Push a touch."""
        self._push("touch", name, config, "0", "0", *([socket] if socket else []))

    def take(self, name: str) -> None:
        """Push a destroy."""
        self._push("destroy", name)

    def _push(self, *parts: str) -> None:
        self._socket.send_multipart([part.encode() for part in parts])


class Mongo(Source):
    """A stand-in that answers the real driver."""

    def __init__(self, start: Starter) -> None:
        super().__init__(start)
        self.server = fakes.Mongo()
        self.address = f"mongodb://127.0.0.1:{self.server.port},farm.vassals"
        self._when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        self._rows: dict[str, dict[str, Any]] = {}

    def put(self, name: str, config: str, socket: str = "") -> None:
        """Replace the document."""
        self._when += datetime.timedelta(minutes=1)
        document = {"name": name, "config": config, "ts": self._when, "socket": socket}
        self._rows[name] = document
        self.server.documents = list(self._rows.values())

    def take(self, name: str) -> None:
        """Delete the document."""
        del self._rows[name]
        self.server.documents = list(self._rows.values())

    def again(self) -> None:
        """Accept again."""
        self.server.open()

    def stop(self) -> None:
        """Accept no more."""
        self.server.close()


SOURCES: dict[str, type[Source]] = {
    "PostgreSQL": Postgres,
    "RabbitMQ": Rabbit,
    "ZeroMQ": Zmq,
    "MongoDB (stand-in)": Mongo,
}
