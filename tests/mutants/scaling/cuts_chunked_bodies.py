"""A body in chunks ends with the first.

Breaks SC-361.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_strict_heads.py::test_a_body_of_several_chunks_arrives_whole[http-socket]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http_chunks:ChunkDecoder._line",
        "self._state = SIZE",
        "self._state = DONE",
    )
