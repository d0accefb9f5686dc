"""Handles stand for whoever has their number."""

import os
import socket

from refuwsgi.handles import handle_of, handles, socket_of


def test_a_handle_speaks_for_whoever_has_the_number() -> None:
    for words in (b"one", b"another"):
        ours, theirs = socket.socketpair()
        with theirs:
            fd = ours.detach()
            handle = handle_of(fd)
            assert handle is handle_of(fd) is handles[fd]
            assert handle.send(words) == len(words)
            assert theirs.recv(9) == words
            theirs.send(b"answer")
            assert handle.recv(9) == b"answer"
            os.close(fd)
            assert theirs.recv(9) == b""


def test_a_socket_is_of_the_family_that_its_peer_is_of() -> None:
    peers = [("", socket.AF_UNIX), (("127.0.0.1", 1), socket.AF_INET)]
    peers.append((("::1", 1, 0, 0), socket.AF_INET6))
    for peer, family in peers:
        ours, theirs = socket.socketpair()
        found = socket_of(ours.detach(), peer)
        assert found.family == family
        found.close()
        assert theirs.recv(1) == b""
        theirs.close()
