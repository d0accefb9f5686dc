"""The conformance suite as it is installed: finds its own directories and hands over to them.

What: in a wheel they lie inside this package, in a checkout two floors above it.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE if (HERE / "tests").is_dir() else HERE.parents[1]


def main() -> int:
    """Run the command `refuwsgi-conformance`."""
    sys.path.insert(0, str(ROOT))
    try:
        import pytest  # noqa: F401
    except ImportError:
        print("refuwsgi-conformance: pip install 'refuwsgi[test]'", file=sys.stderr)
        return 3
    from tests.conformance import command

    return command.main(sys.argv[1:])
