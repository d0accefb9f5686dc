"""Speak the uwsgi protocol by hand: python3 ask.py ADDRESS PATH [HOST] [BODY]."""

import socket
import struct
import sys


def packet(pairs):
    """A header of four bytes, then each name and each value behind its own size."""
    block = b""
    for name, value in pairs.items():
        for text in (name.encode(), value.encode()):
            block += struct.pack("<H", len(text)) + text
    return struct.pack("<BHB", 0, len(block), 0) + block


def connect(address):
    """A TCP socket for host:port, a UNIX socket for a path, an abstract one for @name."""
    host, colon, port = address.rpartition(":")
    if colon:
        return socket.create_connection((host, int(port)), timeout=20)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(f"\0{address[1:]}\0" if address[0] == "@" else address)
    return sock


def ask(address, path, host="localhost", body=""):
    """Send one request and return all that comes back."""
    pairs = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "REQUEST_URI": path,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": host,
    }
    with connect(address) as sock:
        sock.sendall(packet(pairs) + body.encode())
        return b"".join(iter(lambda: sock.recv(65536), b""))


if __name__ == "__main__":
    answer = ask(*sys.argv[1:])
    print(answer.decode().replace("\r\n", "\n") if answer else "closed without a byte", end="")
    if not answer:
        print()
