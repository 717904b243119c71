"""`vospace-server doctor`: is the place that the space lives in sound?"""

import argparse
from collections.abc import Callable, Iterator, Mapping

from vospace_server.commands import doctor_host, doctor_parts
from vospace_server.commands.failures import describe_failure
from vospace_server.commands.findings import Finding, Verdict, broken, fine
from vospace_server.commands.opening import load
from vospace_server.config import ServerConfig

_CHECKS: Mapping[str, Callable[[ServerConfig], Finding]] = {
    "versions": doctor_host.check_versions,
    "data directory": doctor_host.check_data_dir,
    "secrets": doctor_host.check_secrets,
    "room": doctor_host.check_room,
    "clock": doctor_host.check_clock,
    "open files": doctor_host.check_open_files,
    "port": doctor_host.check_port,
    "certificate": doctor_parts.check_certificate,
    "database": doctor_parts.check_database,
    "accounts": doctor_parts.check_accounts,
    "storage": doctor_parts.check_storage,
}


def examine(arguments: argparse.Namespace) -> int:
    """Prints a line for each check; 1 if one has failed, 0 if not.

    Changes nothing: what does not exist yet is not made.
    """
    verdicts = set()
    for finding in _findings(arguments):
        verdicts.add(finding.verdict)
        print(f"{finding.verdict.value:<5} {finding.subject}: {finding.text}", flush=True)
        if finding.advice:
            print(f"      -> {finding.advice}")
    return 1 if Verdict.FAIL in verdicts else 0


def _findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    # A configuration that can't be read ends the command as it ends every other.
    loaded = load(arguments)
    yield fine("configuration", f"{len(loaded.origins)} settings differ from the defaults")
    for subject, check in _CHECKS.items():
        try:
            yield check(loaded.config)
        except Exception as error:  # noqa: BLE001 - what breaks a check is what it found
            yield broken(subject, describe_failure(error).line, "see to that first")
