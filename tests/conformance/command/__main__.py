"""`python -m tests.conformance.command`: the command, from a checkout without installation."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
