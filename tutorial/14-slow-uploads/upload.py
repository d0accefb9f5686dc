"""A slow upload: the head and half of the body now, the rest when the file `go` exists."""

import os
import sys
import time

from ask import connect, packet

HALF = b"x" * 10000

pairs = {
    "REQUEST_METHOD": "POST",
    "REQUEST_URI": "/upload",
    "PATH_INFO": "/upload",
    "QUERY_STRING": "",
    "CONTENT_LENGTH": str(2 * len(HALF)),
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "HTTP_HOST": "example.com",
}
with connect(sys.argv[1]) as sock:
    sock.sendall(packet(pairs) + HALF)
    open("half", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.02)
    sock.sendall(HALF)
    answer = b"".join(iter(lambda: sock.recv(65536), b""))
print(answer.decode().split("\r\n\r\n")[1], end="")
