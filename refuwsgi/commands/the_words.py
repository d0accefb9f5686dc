"""The words behind a command: how all commands read them, and how they end.

Section: ground / the command; its words
What: `Words` is an argument parser whose mistakes are those of the operator: one line, status 1.
      `stopping` makes Ctrl-C and SIGTERM an exception, so that a command can tidy up behind itself.
Errors: OptionError.
"""

import argparse
import contextlib
import signal
from collections.abc import Iterator
from typing import NoReturn

from refuwsgi.address import Address
from refuwsgi.address import parse as parse_address
from refuwsgi.options import OptionError


class Words(argparse.ArgumentParser):
    """Reads the words of one command."""

    def __init__(self, command: str, about: str) -> None:
        super().__init__(prog=f"refuwsgi {command}", description=about, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words."""
        raise OptionError(f"{self.prog}: {message}")


def address_of(text: str) -> Address:
    """Read an address that a client can go to."""
    try:
        found = parse_address(text)
    except ValueError as problem:
        raise OptionError(f"{text}: {problem}") from None
    if found.kind not in ("tcp", "unix", "abstract"):
        raise OptionError(f"{text}: expected host:port, a path or @name")
    return found


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """End the block when somebody interrupts it; that is no error."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
