"""Whom a subscription server believes.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; signatures and credentials
What:     with ``subscriptions-sign-check`` an announcement must be signed by the owner of its key,
          whose public key lies in a directory; with ``subscriptions-credentials-check`` its sender
          must own a file of that name, which the kernel vouches for on UNIX sockets.

          test.uwsgi.it:8000   ->   DIR/test.uwsgi.it_8000.pem

          Who has signed may still repeat what was overheard: the guard remembers.
Units:    seconds since the epoch, for both clocks.
Errors:   `OptionError` for a value of another form.  A packet that is not believed changes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.subscribed import Sender
from refuwsgi.gateway_rules import shown
from refuwsgi.options import JOIN, Config, Option, OptionError, flag, number, text, texts
from refuwsgi.protocol.subscription import Announcement

SIGN_CHECK: Option[str | None] = Option(
    "subscriptions-sign-check",
    text,
    default=None,
    help="believe only announcements that are signed: DIGEST:DIRECTORY of public keys",
)
SIGN_CHECK_TOLERANCE = Option(
    "subscriptions-sign-check-tolerance",
    number,
    default=86400,
    help="how many seconds the clock of a new node may be behind",
)
SIGN_SKIP_UID = Option(
    "subscriptions-sign-skip-uid",
    texts,
    default=(),
    help="this user need not sign (UNIX sockets with credentials)",
    repeat=JOIN,
)
USE_CREDENTIALS = Option(
    "subscriptions-use-credentials",
    flag,
    default=False,
    help="ask the kernel who sends an announcement (UNIX sockets)",
    bare="true",
)
CREDENTIALS_CHECK = Option(
    "subscriptions-credentials-check",
    texts,
    default=(),
    help="believe only who owns the file of the key's name behind this prefix (DIR/)",
    repeat=JOIN,
)

LARGEST_KEY_FILE = 65536


class Signatures:
    """Checks signatures, and that none is used twice."""

    def __init__(
        self,
        digest: str,
        directory: str,
        tolerance: float,
        skipped: frozenset[int],
        say: Callable[[str], None],
    ) -> None:
        self._digest = digest
        self._directory = directory
        self._skipped = skipped
        self._say = say
        self.guard = Guard(tolerance)

    def believes(self, said: Announcement, sender: Sender, clock: float) -> bool:
        """Say whether a packet is signed by the owner of its key, and new."""
        if sender.pid and sender.uid in self._skipped:
            return True
        if not said.sign or not self._is_signed(said):
            return False
        return self.is_new(said, clock)

    def is_new(self, said: Announcement, clock: float) -> bool:
        """Say whether a packet's number is higher than any before, and remember it."""
        if self.guard.is_new((said.key, said.address), said.unix, clock):
            return True
        self._say(
            f"[uwsgi-subscription for pid {os.getpid()}] invalid (sniffed ?) packet sent for "
            f"slot: {shown(said.key)} node: {shown(said.address)} unix_check: {said.unix}"
        )
        return False

    def _is_signed(self, said: Announcement) -> bool:
        from refuwsgi.protocol.signature import KeyFileError, fits, public_key

        path = os.path.join(self._directory, file_of(said.key))
        try:
            with open(path, "rb") as file:
                pem = file.read(LARGEST_KEY_FILE)
        except OSError:
            return False
        try:
            return fits(said.sign, said.signed, self._digest, public_key(pem))
        except KeyFileError:
            self._say(f"unable to load public key for {shown(said.key)}")
            return False


def file_of(key: bytes) -> str:
    """The file name of a key's public key."""
    return re.sub(r"[^0-9A-Za-z._-]", "_", key.decode("latin-1")) + ".pem"


def owns(prefixes: tuple[str, ...], key: bytes, sender: Sender) -> bool:
    """Say whether the sender owns a file that has the key's name."""
    name = key.decode("latin-1")
    if "/" in name or "\0" in name:
        return False
    for prefix in prefixes:
        try:
            found = os.stat(prefix + name)
        except OSError:
            continue
        if sender.pid and (found.st_uid, found.st_gid) == (sender.uid, sender.gid):
            return True
    return False


def configured(config: Config, say: Callable[[str], None]) -> Signatures | None:
    """Build the check of signatures, if the operator wants it."""
    value = config[SIGN_CHECK]
    if value is None:
        return None
    from refuwsgi.protocol.signature import DIGEST_INFO, digest_called

    digest, colon, directory = value.partition(":")
    known = digest_called(digest)
    if not colon or not directory:
        raise OptionError(
            f"{config.where(SIGN_CHECK)}: invalid syntax for '{SIGN_CHECK.name}', "
            "must be: <digest>:<directory>"
        )
    if known is None:
        raise OptionError(
            f"{config.where(SIGN_CHECK)}: unable to find digest algorithm: {digest} "
            f"(there are {', '.join(DIGEST_INFO)})"
        )
    skipped = frozenset(number(uid) for uid in config[SIGN_SKIP_UID])
    return Signatures(known, directory, config[SIGN_CHECK_TOLERANCE], skipped, say)
