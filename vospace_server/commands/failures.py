"""What a command says when it can't be done: one line for people, and an exit status."""

import ssl
from typing import NamedTuple

from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from vospace_model.faults import Fault, describe
from vospace_server.config import ConfigError
from vospace_server.database.upgrading import SchemaTooNewError
from vospace_server.domain.account import AdministrationError
from vospace_server.storage.object_store import StoreError

FAILED = 1
MISUSED = 2


class CommandError(Exception):
    """A command can't be done; the text is the line that is printed."""

    def __init__(self, message: str, *, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


class Failure(NamedTuple):
    """The line to print and the status to exit with."""

    line: str
    status: int


# Their texts are sentences for people already.
_SENTENCES = (AdministrationError, SchemaTooNewError, StoreError)


def describe_failure(error: Exception) -> Failure:
    """The line and the exit status for what a command raised."""
    if isinstance(error, CommandError):
        return Failure(str(error), error.status)
    if isinstance(error, ConfigError | ArgumentError | NoSuchModuleError):
        return Failure(_first_line(error), MISUSED)
    if isinstance(error, _SENTENCES):
        return Failure(str(error), FAILED)
    if isinstance(error, Fault):
        return Failure(describe(error), FAILED)
    if isinstance(error, DBAPIError):
        return Failure(f"the database can't be used: {_first_line(error.orig)}", FAILED)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        where = f"{error.filename}: " if error.filename else ""
        return Failure(f"{where}{error.strerror or error}", FAILED)
    kind = type(error).__name__
    return Failure(f"{kind}: {_first_line(error)} (--debug shows where)", FAILED)


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"
