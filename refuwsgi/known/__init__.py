"""What is known of the names that uWSGI knows: their arguments, and whether they may be ignored.

Section: ground / options; the names that uWSGI knows
What: an option that a module of the package declares is obeyed, and the tables are not asked.
      Of the others, `refusal` gives the reason for which one stops the start; the rest is accepted
      without effect, and said so in one line.
"""

from refuwsgi.known.names import LETTERS, NONE, OPTIONAL, REQUIRED

ARGUMENT = {
    **dict.fromkeys(REQUIRED.split(), "required"),
    **dict.fromkeys(OPTIONAL.split(), "optional"),
    **dict.fromkeys(NONE.split(), "none"),
}
__all__ = ["ARGUMENT", "LETTERS", "MET", "of_a_plugin", "refusal", "similar"]

# How the options begin that other languages and rare plugins bring along.
PLUGINS = (
    "php-",
    "pypy-",
    "cgi",
    "bonjour-",
    "tuntap-",
    "rack",
    "rb-",
    "psgi",
    "lua",
    "jvm",
    "mono-",
)

# Beginnings that are refused as a family have members that real files hold.
MET = frozenset(
    ("exec-asap", "hook-as-root", "hook-master-start", "hook-post-fork", "hook-pre-app", "mule")
)


def refusal(name: str) -> str | None:
    """The reason why a name that nobody obeys may not be ignored."""
    from refuwsgi.known.refused import REFUSED

    if name in MET:
        return None
    for reason, patterns in REFUSED.items():
        if any(_matches(pattern, name) for pattern in patterns.split()):
            return reason
    return None


def of_a_plugin(name: str) -> bool:
    """Say whether an unknown name is an option of a plugin that is no part of this."""
    return name.startswith(PLUGINS)


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return pattern == name


# What was meant where the spelling does not tell; all were met in real files.
MEANT = {
    "application": "callable",
    "exec-pre": "exec-asap",
    "log-backupcount": "",  # a later uWSGI may have it; there is nothing to suggest
    "log-buffering": "",
    "logging": "disable-logging",
    "port": "http-socket",
    "strict-mode": "strict",
    "vassals-set idle": "vassal-set = idle=",
}


def similar(name: str, names: set[str]) -> str:
    """The name that was probably meant, or nothing."""
    from difflib import get_close_matches

    if name in MEANT:
        return MEANT[name]

    close = get_close_matches(name, sorted(names | set(ARGUMENT)), n=1, cutoff=0.8)
    return close[0] if close else ""
