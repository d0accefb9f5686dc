"""On demand by extension: a file beside the vassal names its socket.

Section: vassals / --emperor-on-demand-extension <ext>
What: for the vassal ``myapp.ini`` the file ``myapp.ini<ext>`` is read; what stands in it is the
      address of the socket, TCP or UNIX.  The file is not itself a socket, nor a vassal.
          /etc/uwsgi/vassals/myapp.ini          the vassal
          /etc/uwsgi/vassals/myapp.ini.socket   a text: /run/myapp.sock
Value: up to the first control character, so a line end does no harm; blanks count.
Errors: none.  A vassal without such a file, or with an empty one, is not on demand.
"""

from __future__ import annotations

from refuwsgi.options import Config, Option, text
from refuwsgi.vassals.socket_name import LIMIT, socket_name

ON_DEMAND_EXTENSION: Option[str | None] = Option(
    "emperor-on-demand-extension",
    text,
    default=None,
    help="wait for each vassal on the socket that the file <vassal>+<ext> names",
    aliases=("emperor-on-demand-ext",),
)


class ByExtension:
    """The on-demand rule that reads the socket's name from a file."""

    def __init__(self, extension: str) -> None:
        self._extension = extension

    async def socket_for(self, vassal: str) -> str | None:
        """Name the socket to wait on for `vassal`; None: start it at once."""
        try:
            with open(vassal + self._extension, "rb") as file:
                return socket_name(file.read(LIMIT))
        except OSError:
            return None


def configured(config: Config) -> ByExtension | None:
    """Build the rule that the operator asked for, if it is this one."""
    extension = config[ON_DEMAND_EXTENSION]
    if extension is None:
        return None
    if not extension or "/" in extension:
        # Departure: C takes an empty extension and then reads the vassal's file for a name.
        raise config.error(ON_DEMAND_EXTENSION, "an extension, such as .socket")
    return ByExtension(extension)
