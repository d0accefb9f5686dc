"""An RSA key for tests, as the files in which others expect it.  It opens nothing.

What: the two primes of a key that openssl made; from them the PEM texts.
"""

from binascii import b2a_base64

P = int(
    "eccca3e6cb19c8aeaed86c67706cbddcfbfada1efcccd91d1a51a01a7ca100c11476e5c0a5fb"
    "dd27b22a095cfcc50ee333121c2680f6f7d8eab8072695596cb1",
    16,
)
Q = int(
    "c1f3f8d874c5abe8cd1f6cfbedda4755a4ef5cdaacb5ee8dbd203f2e2b2a064c99ff89a65527"
    "536569f913912068d77e76c53553a9f3627e2c86147fd761f05b",
    16,
)
N = P * Q
E = 65537
D = pow(E, -1, (P - 1) * (Q - 1))
RSA = bytes.fromhex("06092a864886f70d010101") + bytes.fromhex("0500")  # OID, NULL


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _integers(*numbers: int) -> bytes:
    return b"".join(
        _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in numbers
    )


def _pem(kind: str, der: bytes) -> bytes:
    text = b2a_base64(der, newline=False)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    begin, end = f"-----BEGIN {kind}-----".encode(), f"-----END {kind}-----".encode()
    return b"\n".join([begin, *lines, end, b""])


def public() -> bytes:
    """The public key: SubjectPublicKeyInfo."""
    key = _der(0x30, _integers(N, E))
    return _pem("PUBLIC KEY", _der(0x30, _der(0x30, RSA) + _der(3, b"\0" + key)))


def _pkcs1() -> bytes:
    return _der(0x30, _integers(0, N, E, D, P, Q, D % (P - 1), D % (Q - 1), pow(Q, -1, P)))


def private() -> bytes:
    """The private key in the older form, PKCS#1."""
    return _pem("RSA " + "PRIVATE KEY", _pkcs1())


def private_pkcs8() -> bytes:
    """The private key in the newer form, PKCS#8."""
    der = _der(0x30, _integers(0) + _der(0x30, RSA) + _der(4, _pkcs1()))
    return _pem("PRIVATE " + "KEY", der)
