"""On demand by directory: a vassal's name is its socket's name.

Section: vassals / --emperor-on-demand-directory <dir>
What: a vassal sleeps behind the UNIX socket ``<dir>/<name>.socket``, where <name> is its file name
      without the path and without the extension.
          /etc/uwsgi/vassals/myapp.ini   ->   <dir>/myapp.socket
          /etc/uwsgi/vassals/my.app.ini  ->   <dir>/my.app.socket
Errors: none.  Whether the socket can be bound is the emperor's business.
"""

from __future__ import annotations

from refuwsgi.options import Config, Option, text

ON_DEMAND_DIRECTORY: Option[str | None] = Option(
    "emperor-on-demand-directory",
    text,
    default=None,
    help="wait for each vassal on a UNIX socket of its name in this directory",
    aliases=("emperor-on-demand-dir",),
)


class ByDirectory:
    """The on-demand rule that derives the socket from the vassal's name."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    async def socket_for(self, vassal: str) -> str | None:
        """Name the socket to wait on for `vassal`; None: start it at once."""
        name, dot, _ = vassal.rpartition("/")[2].rpartition(".")
        return f"{self._directory}/{name}.socket" if dot else None


def configured(config: Config) -> ByDirectory | None:
    """Build the rule that the operator asked for, if it is this one."""
    directory = config[ON_DEMAND_DIRECTORY]
    if directory is None:
        return None
    if not directory:
        raise config.error(ON_DEMAND_DIRECTORY, "a directory")
    return ByDirectory(directory)
