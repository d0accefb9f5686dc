"""What an example is made of.

Section: ground / the command; the shape of an example
What: the tables of examples are lists of `Example`.  In all of their texts DIR stands for the
      directory that the example gets, PORT and PORT1 to PORT9 for free ports of 127.0.0.1; so the
      addresses of the documents become addresses that every machine has.
"""

from typing import Final, NamedTuple

APP: Final = '''"""Say who asked for what, and which process answers."""

import os


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    host, path = environ.get("HTTP_HOST", "?"), environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"process {os.getpid()} answers {host} {path} with {len(body)} bytes\\n".encode()]
'''


class Try(NamedTuple):
    """Something to type, and what comes of it."""

    line: str  # curl ..., refuwsgi ask ..., or grep PATTERN FILE
    expect: str  # a pattern that the answer has in it
    behind: bool = False  # goes on while the next ones are tried: half a body is held back


class Example(NamedTuple):
    """An example of a document, to be run."""

    name: str
    section: str
    what: str
    files: dict[str, str]
    servers: dict[str, str]  # name -> the words behind `refuwsgi`; its log is NAME.log
    tries: tuple[Try, ...]
    watch: str
    also: tuple[str, ...] = ()  # other sections that it shows
