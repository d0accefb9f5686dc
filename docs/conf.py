"""The manual: `make docs` builds it, strictly."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

project = "refuwsgi"
author = "the authors of refuwsgi"
copyright = author
extensions = [
    "docs._ext.codepages",
    "docs._ext.traceability",
    "docs._ext.grid",
    "docs._ext.whole",
    "docs._ext.options",
    "docs._ext.diagrams",
    "docs._ext.sequence",
    "docs._ext.mutants",
    "docs._ext.bench",
    "docs._ext.faults",
    "docs._ext.slow",
    "docs._ext.endurance",
    "docs._ext.curves",
    "docs._ext.answers",
]
exclude_patterns = ["_build", "_ext", "results"]
html_theme = "furo"
html_title = "refuwsgi"
html_static_path = ["_static"]
html_css_files = ["refuwsgi.css"]
default_role = "any"
smartquotes = False  # they would make one dash of the two that an option begins with
highlight_language = "python"
pygments_style = "friendly"
linkcheck_ignore = [r"http://127\.0\.0\.1.*"]
