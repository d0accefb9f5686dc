"""The load of a soak: good requests of every kind, bad ones, and clients that leave."""

import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.conformance.harness import (
    Answer,
    Client,
    ask,
    exchange,
    packet,
    post,
    request,
    request_vars,
)
from tests.integration.load import Clients
from tests.integration.mutations import HTTP, UWSGI, mutated
from tests.soak.place import FILE, Place

CLOSE = ("Connection", "close")
PAUSE = 0.01
RECENT = 5.0  # seconds for which a kill or a reload explains a lost request
Call = Callable[[random.Random], None]
WEIGHTS = [8, 4, 3, 4, 8, 2, 4, 1, 2, 1]  # how often each kind of request is made


def whole(answer: Answer, body: bytes) -> None:
    """Raise AssertionError, with what came, unless it is this body."""
    told = f"{answer.status}, {len(answer.body)} of {len(body)} bytes, {answer.end}"
    assert answer.body == body, told


class Traffic(Clients):
    """Clients in threads, until it is closed; `lost` are those without an answer."""

    def __init__(self, place: Place, clients: int, seed: int) -> None:
        dice = [random.Random(f"{seed} {number}") for number in range(clients)]
        super().__init__([partial(self._turn, each) for each in dice], PAUSE)
        self.place = place
        self.answered: Counter[str] = Counter()
        self.lost: list[tuple[float, str]] = []
        self.unexplained: list[str] = []
        self.harmed = time.monotonic()  # when something was killed or reloaded last
        self._calls: dict[str, Call] = {
            "http": self._http,
            "upload": self._upload,
            "file": self._file,
            "cache": self._cache,
            "fastrouter": self._routed,
            "buffered": self._buffered,
            "vassal": self._vassal,
            "sleeper": self._sleeper,
            "aborted": self._aborted,
            "malformed": self._malformed,
        }

    def _turn(self, dice: random.Random) -> None:
        name = dice.choices(list(self._calls), WEIGHTS)[0]
        began = time.monotonic()
        try:
            self._calls[name](dice)
        except (OSError, AssertionError) as problem:
            self._note(name, began, problem)
        else:
            self.answered[name] += 1

    def _note(self, name: str, began: float, problem: Exception) -> None:
        text = f"{name}: {type(problem).__name__}: {problem}"[:200]
        self.lost.append((began, text))
        if began - self.harmed > RECENT:
            took = time.monotonic() - began
            since = began - self.harmed
            self.unexplained.append(f"{text} ({took:.1f} s; {since:.1f} s after the last harm)")

    def _http(self, dice: random.Random) -> None:
        data = request("/bytes/3000", headers=[CLOSE])
        assert len(exchange(self.place.site.port, data).body) == 3000

    def _upload(self, dice: random.Random) -> None:
        body = dice.randbytes(dice.choice((100, 20_000, 200_000)))
        whole(post(self.place.site.port, "/echo", body, CLOSE), body)

    def _file(self, dice: random.Random) -> None:
        data = request("/big.bin", headers=[CLOSE])
        whole(exchange(self.place.site.port, data), FILE)

    def _cache(self, dice: random.Random) -> None:
        data = request(f"/cached/{dice.randrange(80)}", headers=[CLOSE])
        assert len(exchange(self.place.site.port, data).body) == 8000

    def _routed(self, dice: random.Random) -> None:
        if dice.random() < 0.9:
            whole(ask(self.place.router.port, "/hello", HTTP_HOST="soak"), b"hello")
        else:
            answer = ask(self.place.router.port, "/bytes/500000", HTTP_HOST="soak")
            assert len(answer.body) == 500_000

    def _buffered(self, dice: random.Random) -> None:
        body = dice.randbytes(dice.choice((1000, 50_000, 250_000, 400_000)))
        length = str(len(body))
        head = packet(request_vars("/echo", "POST", HTTP_HOST="soak", CONTENT_LENGTH=length))
        whole(exchange(self.place.router.port, head + body), body)

    def _vassal(self, dice: random.Random) -> None:
        assert ask(self.place.plain, "/hello").text == "hello"

    def _sleeper(self, dice: random.Random) -> None:
        assert ask(self.place.sleeper, "/hello").text == "hello"
        if dice.random() < 0.3:
            self.enough.wait(3)  # so that it falls asleep now and then

    def _aborted(self, dice: random.Random) -> None:
        port = dice.choice((self.place.site.port, self.place.router.port))
        with Client(port, request("/big.bin")[: dice.randrange(1, 50)]):
            pass

    def _malformed(self, dice: random.Random) -> None:
        http = dice.random() < 0.5
        port = (self.place.site if http else self.place.router).port
        (pieces,) = mutated(HTTP if http else UWSGI, 1, dice.randrange(1 << 30))
        with Client(port, b"".join(pieces)) as client:
            try:
                client.half_close()
                client.rest()
            except OSError:
                pass  # refused
