"""Run refuwsgi as `python -m refuwsgi` and as the command `refuwsgi`."""

import gc
import signal
import sys


def main() -> int:
    """Run the command; return its exit status."""
    # Until the server itself listens to signals, Ctrl-C ends it without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # what an import makes is there to stay; whoever goes on from there enables it
    from refuwsgi.cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
