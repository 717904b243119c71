"""The command line: parses it and runs the one command that it names.

A failure becomes one line and an exit status: 0 done, 1 failed, 2 misused.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from vospace_server.commands.arguments import PROGRAM, build_parser

_INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Runs one command; its exit status. Raises SystemExit for misuse and for `--help`."""
    parsed = build_parser().parse_args(arguments)
    # What we write holds other people's data and the digests of their tokens.
    os.umask(0o077)
    try:
        status = _handler(parsed.handler)(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, grep -q) has seen enough. Python would complain
        # about its buffer at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if parsed.debug:
            raise
        return _report(error)
    return status


def _handler(name: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command, from `module:function`.

    Loaded only now, because the libraries behind the commands take a second to import and
    `--help` must not wait for them.
    """
    module, _, function = name.partition(":")
    loaded = importlib.import_module(f"vospace_server.commands.{module}")
    handler: Callable[[argparse.Namespace], int] = getattr(loaded, function)
    return handler


def _report(error: Exception) -> int:
    # Loaded only now: it knows the exceptions of every library, and imports them for that.
    failures = importlib.import_module("vospace_server.commands.failures")
    line, status = failures.describe_failure(error)
    print(f"{PROGRAM}: {line}", file=sys.stderr)
    return int(status)
