"""`python -m vospace_server` and the program `vospace-server`."""

import sys

from vospace_server.cli import run


def main() -> None:
    """Runs the command that the arguments say and exits with its status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
