import pytest

from refuwsgi.protocol.signature import (
    KeyFileError,
    PrivateKey,
    digest_called,
    fits,
    private_key,
    public_key,
    sign,
)
from tests import keys

PUBLIC, PRIVATE, PKCS1 = keys.public(), keys.private_pkcs8(), keys.private()
MESSAGE = b"subscribe me"
BY_OPENSSL = bytes.fromhex(
    "3449cedd09cd6d81186d20d5ed88de8680151be5ff69a98aac1acdb88f3fc64f9505e56c6541cef5"
    "83439cf9cbbb7cc209e057eb3daf5cd86ad7577b4f6dd4f65c5c6b2431cfa2f344fb1cc71d362604"
    "bfd919be0d79d63ce05612dca2502669e6c6d40cde2960d76c6e89069352e0328988c0f822030159"
    "acd808cdfbec2f1c"
)  # sha1, by openssl dgst


def test_it_signs_as_openssl_does() -> None:
    assert sign(MESSAGE, "sha1", private_key(PRIVATE)) == BY_OPENSSL


def test_it_believes_what_openssl_signed() -> None:
    assert fits(BY_OPENSSL, MESSAGE, "sha1", public_key(PUBLIC))


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_what_one_signs_the_other_believes(digest: str) -> None:
    signature = sign(MESSAGE, digest, private_key(PKCS1))
    assert fits(signature, MESSAGE, digest, public_key(PUBLIC))


def test_another_message_another_digest_or_a_bit_is_not_believed() -> None:
    key = public_key(PUBLIC)
    assert not fits(BY_OPENSSL, MESSAGE + b".", "sha1", key)
    assert not fits(BY_OPENSSL, MESSAGE, "sha256", key)
    assert not fits(bytes([BY_OPENSSL[0] ^ 1]) + BY_OPENSSL[1:], MESSAGE, "sha1", key)
    assert not fits(b"\0" + BY_OPENSSL, MESSAGE, "sha1", key)
    assert not fits(b"", MESSAGE, "sha1", key)
    again = int.from_bytes(BY_OPENSSL, "big") + key.modulus
    assert not fits(again.to_bytes(len(BY_OPENSSL), "big"), MESSAGE, "sha1", key)
    assert not fits(b"\xff" * len(BY_OPENSSL), MESSAGE, "sha1", key)


def test_a_number_that_is_small_enough_to_be_its_own_root_is_not_believed() -> None:
    assert not fits(b"\1".rjust(len(BY_OPENSSL), b"\0"), MESSAGE, "sha1", public_key(PUBLIC))


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"rubbish",
        b"-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----",
        b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----",
        b"-----BEGIN PUBLIC KEY-----\nMIQ=\n-----END PUBLIC KEY-----",
        PUBLIC[:100] + b"\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_public_key_says_so(pem: bytes) -> None:
    with pytest.raises(KeyFileError):
        public_key(pem)


@pytest.mark.parametrize(
    ("pem", "word"),
    [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-keygen"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", "encrypted"),
        (PUBLIC, "PRIVATE KEY"),
    ],
)
def test_a_private_key_of_another_kind_says_what_to_do(pem: bytes, word: str) -> None:
    with pytest.raises(KeyFileError, match=word):
        private_key(pem)


def test_a_digest_may_be_written_in_several_ways() -> None:
    assert digest_called("SHA1") == digest_called("sha-1") == "sha1"
    assert digest_called("FOO") is None


def element(tag: int, *contents: bytes) -> bytes:
    return keys._der(tag, b"".join(contents))


ALGORITHM = element(0x30, keys.RSA)
INNER = element(0x30, keys._integers(keys.N, 3))


def key_file(*elements: bytes, tag: int = 0x30, kind: str = "PUBLIC") -> bytes:
    return keys._pem(f"{kind} KEY", element(tag, *elements))


def public_of(modulus: int, exponent: int = 3) -> bytes:
    return key_file(ALGORITHM, element(3, b"\0", element(0x30, keys._integers(modulus, exponent))))


def test_a_modulus_has_62_to_2048_bytes() -> None:
    for modulus in (1 << 488, (1 << 16384) - 1):
        assert public_key(public_of(modulus)).modulus == modulus
    for modulus in ((1 << 488) - 1, 1 << 16384):
        with pytest.raises(KeyFileError):
            public_key(public_of(modulus))


def test_an_exponent_is_at_least_3_and_has_64_bits() -> None:
    for exponent in (3, (1 << 64) - 1):
        assert public_key(public_of(keys.N, exponent)).exponent == exponent
    for exponent in (2, 1 << 64):
        with pytest.raises(KeyFileError):
            public_key(public_of(keys.N, exponent))


def test_a_frame_has_at_least_eight_bytes_of_padding() -> None:
    frame = sign(MESSAGE, "sha512", PrivateKey(1 << (94 * 8 - 1), 1))
    assert frame[:11] == b"\0\1" + b"\xff" * 8 + b"\0"
    with pytest.raises(KeyFileError):
        sign(MESSAGE, "sha512", PrivateKey(1 << (93 * 8 - 1), 1))


@pytest.mark.parametrize(
    "pem",
    [
        key_file(ALGORITHM),
        key_file(ALGORITHM, element(3, b"\0", INNER), ALGORITHM),
        key_file(ALGORITHM, element(4, b"\0", INNER)),
        key_file(ALGORITHM, element(3, b"\0", INNER), tag=0x31),
        key_file(ALGORITHM, element(3, b"\0", INNER, INNER)),
        key_file(ALGORITHM, element(3, b"\0", element(0x30, keys._integers(keys.N)))),
        key_file(ALGORITHM, element(3, b"\0", element(0x30, keys._integers(keys.N), b"\4\1\3"))),
        key_file(ALGORITHM, element(3, b"\0", INNER), b"\2"),
        key_file(ALGORITHM, element(3, b"\0", element(0x30, keys._integers(keys.N), b"\2\2\3"))),
        b"-----END PUBLIC KEY-----\n" + PUBLIC.partition(b"-----END")[0],
        PUBLIC.partition(b"-----END")[0],
        PUBLIC.partition(b"\n")[2],
        b"-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----",
    ],
)
def test_a_public_key_of_another_form_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyFileError):
        public_key(pem)


@pytest.mark.parametrize("tail", [(), (element(3, b"x"),)])
def test_a_private_key_of_another_form_is_refused(tail: tuple[bytes, ...]) -> None:
    with pytest.raises(KeyFileError):
        private_key(key_file(keys._integers(0), ALGORITHM, *tail, kind="PRIVATE"))
