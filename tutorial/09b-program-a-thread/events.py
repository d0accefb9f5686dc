"""A task for an offload thread: what redis publishes in a channel, as server-sent events."""

import re

from refuwsgi.address import parse
from refuwsgi.loop import READ, Wait, wait
from refuwsgi.streams import connect, receive, send_all

REDIS = parse("127.0.0.1:18894")
MESSAGE = re.compile(rb"\*3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$(\d+)\r\n")


class Events:
    """One client's subscription; `good night` is the last event."""

    def __init__(self, channel):
        self.channel = channel.encode()
        self.redis = None

    async def run(self, client):
        """Pass on what is published, until the client has gone."""
        self.redis = await connect(REDIS, 5)
        await send_all(self.redis, b"SUBSCRIBE %b\r\n" % self.channel)
        heard = text = b""
        while text != b"good night":
            while not (found := MESSAGE.search(heard)) or len(heard) < found.end() + int(found[1]):
                if client in await wait(Wait(((self.redis, READ), (client, READ)))):
                    return
                heard += await receive(self.redis)
            text = heard[found.end() : found.end() + int(found[1])]
            heard = heard[found.end() + len(text) :]
            await client.give(b"data: %b\n\n" % text)

    def close(self):
        """Release what the task holds, however it has ended."""
        if self.redis is not None:
            self.redis.close()
