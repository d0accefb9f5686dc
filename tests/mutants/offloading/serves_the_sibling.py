"""A directory opens its sibling with a longer name: /www-private under /www.

Breaks OF-D5.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_a_sibling_with_a_longer_name_is_outside",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_paths:Root._contains",
        "path.startswith(self._real)",
        'path.startswith(self._real.rstrip(b"/"))',
    )
