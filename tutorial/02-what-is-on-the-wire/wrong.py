"""Say HTTP where uwsgi is spoken."""

import socket

with socket.create_connection(("127.0.0.1", 18820), timeout=20) as sock:
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(sock.recv(100) or "closed without a byte")
