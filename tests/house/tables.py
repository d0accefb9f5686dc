"""What the rules of the house are measured against."""

import re
import sys

STANDARD = sys.stdlib_module_names
# Drivers of imperial monitors and formats of configuration files: imported only when asked for,
# each an extra of pyproject.toml.  `uwsgi` is the module that the server makes for applications.
EXTRAS = {"yaml", "psycopg", "pymongo", "bson", "zmq", "pika", "cryptography", "uwsgi"}

# "One conversation dies, the process lives" is the job of these.
MAY_CATCH_EVERYTHING = {
    "loop.py",
    "scaling/cores.py",
    "processes.py",  # where a child begins: what ends it must come into the log
    # An application may raise anything, while it is imported and while it answers.
    "wsgi/interpreter.py",
    "wsgi/loading.py",
    "wsgi/serving.py",
}

SECTIONS_NOT_YET_OWNED: set[str] = set()

OPTIONS_OF_THE_DOCUMENTS = set(
    re.findall(
        r"\S+",
        """
    offload-threads check-static socket route route-run
    processes threads cheaper strict master http-socket pythonpath module http http-processes
    enable-threads
    fastrouter fastrouter-use-base fastrouter-use-pattern fastrouter-use-cache cache file
    fastrouter-subscription-server subscribe-to fastrouter-use-code-string shared-socket wsgi-file
    fastrouter-cheap fastrouter-post-buffering fastrouter-to fastrouter-events fastrouter-timeout
    no-fd-passing
    emperor emperor-on-demand-extension emperor-on-demand-directory emperor-on-demand-exec
    idle die-on-idle protocol
    """,
    )
)
OPTIONS_NOT_YET_BUILT: set[str] = set()

HIDDEN_BUT_OURS = {".ci", ".github", ".gitignore", ".pre-commit-config.yaml", ".readthedocs.yaml"}
MADE = {"__pycache__", "_build", "build", "refuwsgi.egg-info", "htmlcov"}

# Places and words that belong to one machine and not to the project.
# They are put together here, so that this file does not contain them itself.
FORBIDDEN = ["/".join(words) for words in (("", "work", ""), ("", "opt", "oracle"))]
