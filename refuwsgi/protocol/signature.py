"""RSA signatures as subscriptions carry them, made and checked with nothing but integers.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; signatures
What:     RSA, PKCS#1 v1.5: the message's digest, framed so that it is as long as the modulus, is
          raised to the private exponent; who has the public one can undo that and compare.

    frame    00 01 ff ff ... ff 00  <digest info: which digest>  <digest>

          Keys are PEM: SubjectPublicKeyInfo for the public one, PKCS#1 or PKCS#8 for the private.
          A PEM is base64 around DER, a tree of (tag, length, content).
Units:    sizes are bytes.
Errors:   `KeyFileError` says in one line what is wrong with a key.  A signature that does not
          fit is False.  Not constant in time: a signer should not share a machine with strangers.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Final, NamedTuple

# DER in front of each digest: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }
DIGEST_INFO: Final = {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "sha224": "302d300d06096086480165030402040500041c",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
}
INTEGER, OCTETS, BITS, SEQUENCE = 0x02, 0x04, 0x03, 0x30
SMALLEST, LARGEST = 62, 2048  # a modulus, in bytes


class KeyFileError(ValueError):
    """A key that cannot be used; the text says why."""


class PublicKey(NamedTuple):
    """Who has it can check."""

    modulus: int
    exponent: int


class PrivateKey(NamedTuple):
    """Who has it can sign."""

    modulus: int
    exponent: int


def digest_called(name: str) -> str | None:
    """Our name of a digest, for any way of writing it; None when it is unknown."""
    plain = name.lower().replace("-", "")
    return plain if plain in DIGEST_INFO else None


def sign(message: bytes, digest: str, key: PrivateKey) -> bytes:
    """Sign `message`."""
    size = (key.modulus.bit_length() + 7) // 8
    frame = int.from_bytes(_frame(message, digest, size), "big")
    return pow(frame, key.exponent, key.modulus).to_bytes(size, "big")


def fits(signature: bytes, message: bytes, digest: str, key: PublicKey) -> bool:
    """Say whether the owner of `key` signed `message`."""
    size = (key.modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= key.modulus:
        return False
    frame = pow(number, key.exponent, key.modulus).to_bytes(size, "big")
    # The whole frame is built and compared, never taken apart: a parser that skips what it
    # does not expect is how such signatures were forged.
    return hmac.compare_digest(frame, _frame(message, digest, size))


def _frame(message: bytes, digest: str, size: int) -> bytes:
    said = bytes.fromhex(DIGEST_INFO[digest]) + hashlib.new(digest, message).digest()
    padding = size - 3 - len(said)
    if padding < 8:
        raise KeyFileError(f"the key is too short for {digest}")
    return b"\0\1" + b"\xff" * padding + b"\0" + said


def public_key(pem: bytes) -> PublicKey:
    """Read a public key."""
    info = _parts(_one(_contents(pem, "PUBLIC KEY"), SEQUENCE))
    if len(info) != 2 or info[1][0] != BITS:
        raise KeyFileError("not an RSA public key")
    modulus, exponent = _integers(_one(info[1][1][1:], SEQUENCE), 2)
    if not 3 <= exponent < 1 << 64:
        raise KeyFileError("not an RSA public key")
    return PublicKey(_checked(modulus), exponent)


def private_key(pem: bytes) -> PrivateKey:
    """Read a private key."""
    if b"BEGIN OPENSSH PRIVATE KEY" in pem:
        raise KeyFileError(
            "a key in OpenSSH's own format; turn it into PEM with: ssh-keygen -p -m PEM -f FILE"
        )
    if b"ENCRYPTED" in pem:
        raise KeyFileError("an encrypted key")
    if b"BEGIN RSA PRIVATE KEY" in pem:
        inner = _contents(pem, "RSA PRIVATE KEY")
    else:
        wrapped = _parts(_one(_contents(pem, "PRIVATE KEY"), SEQUENCE))
        if len(wrapped) < 3 or wrapped[2][0] != OCTETS:
            raise KeyFileError("not an RSA private key")
        inner = wrapped[2][1]
    _, modulus, _, exponent = _integers(_one(inner, SEQUENCE), 4)
    return PrivateKey(_checked(modulus), exponent)


def _checked(modulus: int) -> int:
    if not SMALLEST <= (modulus.bit_length() + 7) // 8 <= LARGEST:
        raise KeyFileError("an RSA key of an unusable size")
    return modulus


def _contents(pem: bytes, label: str) -> bytes:
    begin, end = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    start, stop = pem.find(begin), pem.find(end)
    if start < 0 or stop < start:
        raise KeyFileError(f"no PEM with a {label}")
    try:
        return a2b_base64(pem[start + len(begin) : stop])
    except NotBase64:
        raise KeyFileError("a PEM that is not base64") from None


def _one(der: bytes, tag: int) -> bytes:
    """The content of the single element that `der` is."""
    parts = _parts(der)
    if len(parts) != 1 or parts[0][0] != tag:
        raise KeyFileError("not an RSA key")
    return parts[0][1]


def _integers(der: bytes, count: int) -> list[int]:
    """The first `count` elements, which must be integers."""
    parts = _parts(der)[:count]
    if len(parts) < count or any(tag != INTEGER for tag, _ in parts):
        raise KeyFileError("not an RSA key")
    return [int.from_bytes(content, "big") for _, content in parts]


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Split DER into the (tag, content) of its elements."""
    found = []
    place = 0
    while place < len(der):
        header = der[place : place + 2]
        if len(header) < 2:
            raise KeyFileError("DER that ends too early")
        start, size = place + 2, header[1]
        if size & 0x80:
            more = size & 0x7F
            size, start = int.from_bytes(der[start : start + more], "big"), start + more
        if start + size > len(der):
            raise KeyFileError("DER that ends too early")
        found.append((header[0], der[start : start + size]))
        place = start + size
    return found
