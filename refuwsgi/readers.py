"""Readers turn the text of a value into the value.

Section: ground / options; how a value is read
What: functions from text to a value, the second argument of an Option.
Units: seconds for times, bytes for sizes.
Errors: ValueError that says what was expected; a Config adds the file, the line and the text.
"""

from typing import Final

UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
MOST: Final = 4096  # processes, or threads of one: more is a slip of the finger


def integer(value: str) -> int:
    """Read a whole number."""
    digits = value[1:] if value[:1] in ("-", "+") else value
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        # Departure: uWSGI reads up to the first character that is no digit, thus `abc` is 0.
        raise ValueError("expected a number")
    return int(value)


def number(value: str) -> int:
    """Read a whole number that is not negative."""
    if (result := integer(value)) < 0:
        raise ValueError("expected a number that is not negative")
    return result


def how_many(value: str) -> int:
    """Read how many processes or threads there are to be."""
    if (result := number(value)) > MOST:
        # Departure: uWSGI forks as many as it is told until the machine has no more.
        raise ValueError(f"expected a number up to {MOST}")
    return result


def flag(value: str) -> bool:
    """Read true or false; a bare name is true."""
    word = value.lower()
    if word in ("false", "off", "no", "0"):
        return False
    if word in ("", "true", "on", "yes") or (word.isascii() and word.isdigit()):
        return True
    # Departure: uWSGI takes every other text for true, the word "flase" too.
    raise ValueError("expected true or false")


def text(value: str) -> str:
    """Take the text as it is."""
    return value


def texts(value: str) -> tuple[str, ...]:
    """Take the text as the first of several."""
    return (value,)


def seconds(value: str) -> float:
    """Read a time; fractions are allowed."""
    whole, _, fraction = value.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit() or len(value) > 19:
        raise ValueError("expected a number of seconds")
    return float(value)


def octets(value: str) -> int:
    """Read a size in bytes."""
    unit = value[-1:].lower() if value[-1:].isalpha() else ""
    if unit not in UNITS:
        raise ValueError("expected a number of bytes")
    # Beyond: 64k, 10m and 1g are understood.
    return number(value[: len(value) - len(unit)]) * UNITS[unit]


def megabytes(value: str) -> int:
    """Read a size that is given in MB; the result is in bytes."""
    return number(value) * 1024**2


def mode(value: str) -> int:
    """Read the permissions of a file, octal digits as chmod takes them."""
    if not value or len(value) > 4 or value.strip("01234567"):
        raise ValueError("expected octal digits, such as 660")
    return int(value, 8)


def pairs(value: str) -> dict[str, str]:
    """Read `name=sessions,items=2`; a key without a value has an empty one."""
    found = (part.strip().partition("=") for part in value.split(",") if part.strip())
    return {key: text for key, _, text in found}


NUMERIC: Final = (integer, number, how_many, flag, seconds, octets, megabytes, mode)


def without_comment(value: str) -> str:
    """What stands before a comment on the same line."""
    for position, char in enumerate(value):
        if char in "#;" and (position == 0 or value[position - 1] in " \t"):
            return value[:position].rstrip()
    return value
