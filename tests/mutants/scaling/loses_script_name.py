"""A mounted application does not learn where.

Breaks SC-141, SC-200.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_loading.py::test_mounted_apps",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.serving:Serving._chosen",
        'environ["SCRIPT_NAME"], environ["PATH_INFO"] = split',
        '_, environ["PATH_INFO"] = split',
    )
