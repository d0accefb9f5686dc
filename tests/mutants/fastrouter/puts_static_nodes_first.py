"""fastrouter-to rules before every other way.

Breaks FR-20.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_getting_started.py::test_the_first_way_in_the_order_rules_alone",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.router_process:chooser_of",
        "config = parts.config",
        "config = parts.config\n"
        "    if config[static_nodes.TO]:\n"
        "        return static_nodes.configured_to(config, log.line)",
    )
