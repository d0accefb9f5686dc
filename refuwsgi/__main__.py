"""Run refuwsgi as `python -m refuwsgi`."""

import sys

from refuwsgi.cli import main

sys.exit(main())
