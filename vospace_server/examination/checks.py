"""All checks, and how they are run: what breaks one is what it found."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from vospace_server.config import ServerConfig
from vospace_server.examination import host, parts
from vospace_server.examination.findings import Finding, broken

CHECKS: Final[Mapping[str, Callable[[ServerConfig], Finding]]] = {
    "versions": host.check_versions,
    "data directory": host.check_data_dir,
    "secrets": host.check_secrets,
    "room": host.check_room,
    "clock": host.check_clock,
    "open files": host.check_open_files,
    "port": host.check_port,
    "certificate": parts.check_certificate,
    "database": parts.check_database,
    "accounts": parts.check_accounts,
    "storage": parts.check_storage,
}

# The port is taken by whoever asks while it serves.
WHILE_SERVING: Final = tuple(subject for subject in CHECKS if subject != "port")


def examine(
    config: ServerConfig,
    *,
    describe: Callable[[Exception], str],
    subjects: tuple[str, ...] = tuple(CHECKS),
) -> Iterator[Finding]:
    """A finding for each subject, as they are found. Changes nothing."""
    for subject in subjects:
        try:
            yield CHECKS[subject](config)
        except Exception as error:  # noqa: BLE001 - what breaks a check is what it found
            yield broken(subject, describe(error), "see to that first")
