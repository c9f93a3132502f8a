"""The command `newsdesk`, and `python -m newsdesk`."""

import signal
import sys

from ._newsdesk import main as run


def main() -> None:
    """Runs the command line, and ends the process with its exit code."""
    # The command handles Ctrl-C itself. Python would only note it until the command has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(["newsdesk", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
