"""`python -m vofs` is `mountvofs`; `control` is the command `vofs`."""

import sys

from vofs import cli
from vofs import control as control_commands


def main() -> None:
    """The command `mountvofs`."""
    sys.exit(cli.main())


def control() -> None:
    """The command `vofs`."""
    sys.exit(control_commands.main())


if __name__ == "__main__":
    main()
