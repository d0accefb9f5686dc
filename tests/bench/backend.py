"""Stand-ins for nodes: each reads a uwsgi packet and answers hello.  `backend.py PORT...`"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one packet."""
    try:
        head = await reader.readexactly(4)
        await reader.readexactly(head[1] | head[2] << 8)
        writer.write(ANSWER)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def main() -> None:
    """Listen on every port."""
    servers = [
        await asyncio.start_server(serve, "127.0.0.1", int(port), backlog=1024)
        for port in sys.argv[1:]
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
