"""Placeholders: `%d`, `$(HOME)`, `@(file)` and `%(name + 1)` in the values of a configuration.

Section: ground / configuration; placeholders
What: `decode` replaces percent codes while a file is read.  `Placeholders` replaces the rest when
      everything is read: the environment, then files and commands, then other settings.
Errors: ValueError for arithmetic with what is no number, and for values that grow without limit.

    %p  path of this file            %P  of the first file (capitals: of the first file)
    %d  its directory with a slash   %0  the first part of the directory, up to %9
    %(name)  the first value of name, wherever it stands; what is unknown stays as it is written
    %(a + 3 * 2)  from left to right, with blanks around: + - * / and ++ -- behind a name
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

LIMIT: Final = 1 << 20  # characters of one value: a few lines could ask for millions otherwise
STEPS: Final = 10_000  # replacements for one value
DEPTH: Final = 64  # names inside of names
CODE: Final = re.compile(r"%(.)", re.DOTALL)
ENVIRONMENT: Final = re.compile(r"\$\(([^()]*)\)")
PARENTHESIS: Final = re.compile(r"[()]")
DIGITS: Final = re.compile(r"-?\d{1,18}")


def decode(text: str, code: Callable[[str], str | None]) -> str:
    """Replace the percent codes of a text."""

    def replacement(match: re.Match[str]) -> str:
        letter = match[1]
        if letter == "%":
            return "%"
        if letter == "(":
            return "%("
        if (value := code(letter)) is not None:
            return value
        # uWSGI: a letter that stands for nothing vanishes.
        # Departure: before anything else the percent sign stays: `100% sure` is not `100sure`.
        return "" if letter.isascii() and letter.isalnum() else match[0]

    return CODE.sub(replacement, text)


class Placeholders:
    """What placeholders stand for: the environment, files, and the first value of each name."""

    def __init__(
        self,
        environment: Mapping[str, str],
        contents: Callable[[str], str],
        values: Mapping[str, str],
    ) -> None:
        self.environment: Final = environment
        self.contents: Final = contents  # the text behind @(...)
        self.values: Final = values
        self.used: Final[set[str]] = set()  # names that somebody asked for
        self._steps = 0

    def replace(self, text: str, own: str = "", files: bool = True) -> str:
        """Replace everything that is known in the value of the setting called own."""
        self._steps = 0
        if "$(" in text:
            text = self._from_environment(text)
        if "@(" in text and files:
            text = self._from_files(text, own)
        return self._from_values(text, frozenset((own,)))

    def _from_environment(self, text: str) -> str:
        return ENVIRONMENT.sub(lambda match: self.environment.get(match[1], match[0]), text)

    def _from_files(self, text: str, own: str) -> str:
        result, start = "", 0
        while (found := text.find("@(", start)) >= 0:
            end = _closing(text, found + 1)
            if end < 0:
                break
            # Departure: names inside are replaced first, so `@(%(base)/name)` works.
            inside = self._from_values(text[found + 2 : end], frozenset((own,)))
            content = self.contents(inside)
            result += text[start:found] + content.rstrip("\r\n")
            start = end + 1
            self._check(result)
        return result + text[start:]

    def _from_values(self, text: str, busy: frozenset[str], depth: int = 0) -> str:
        """Replace names; those whose value is being made, busy, stay as they are written."""
        if len(busy) + depth > DEPTH:
            raise ValueError("placeholders refer to each other too deeply")
        result, start = "", 0
        while (found := text.find("%(", start)) >= 0:
            end = _closing(text, found + 1)
            if end < 0:
                result += text[start : found + 2]
                start = found + 2
                continue
            inside = self._from_values(text[found + 2 : end], busy, depth + 1)
            result += text[start:found] + self._value(inside, busy)
            start = end + 1
            self._check(result)
        return result + text[start:]

    def _value(self, inside: str, busy: frozenset[str]) -> str:
        words = inside.split(" ")
        self.used.update(words)
        value = self._of_name(inside, busy)
        if value is None and len(words) > 1:
            value = self._calculate([word for word in words if word], busy)
        return f"%({inside})" if value is None else value

    def _of_name(self, name: str, busy: frozenset[str]) -> str | None:
        if name in busy or name not in self.values:
            return None
        value = self._from_environment(self.values[name])
        return self._from_values(value, busy | {name})

    def _calculate(self, words: list[str], busy: frozenset[str]) -> str | None:
        result, operation = "", ""
        for word in words:
            if word in ("++", "--"):
                result = str(_integer(result) + (1 if word == "++" else -1))
            elif word in ("+", "-", "*", "/"):
                operation = word
            else:
                value = word if DIGITS.fullmatch(word) else self._of_name(word, busy)
                if value is None:
                    return None
                result = _apply(operation, result, value)
                operation = ""
        return result

    def _check(self, text: str) -> None:
        self._steps += 1
        if len(text) > LIMIT or self._steps > STEPS:
            raise ValueError("placeholders grow without limit")


def _apply(operation: str, left: str, right: str) -> str:
    if not operation:
        return left + right
    first, second = _integer(left), _integer(right)
    if operation == "/":
        # uWSGI: division by zero is zero; the rest is cut off.
        sign = -1 if (first < 0) != (second < 0) else 1
        return str(sign * (abs(first) // abs(second)) if second else 0)
    return str({"+": first + second, "-": first - second, "*": first * second}[operation])


def _integer(text: str) -> int:
    if not DIGITS.fullmatch(text.strip()):
        raise ValueError(f"expected a number in the arithmetic, got {text!r}")
    return int(text)


def _closing(text: str, opening: int) -> int:
    """The place of the parenthesis that closes the one at opening, or -1."""
    depth = 0
    for match in PARENTHESIS.finditer(text, opening):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return -1
