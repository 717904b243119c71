"""`vospace-server doctor`: is the place that the space lives in sound?"""

import argparse
from collections.abc import Callable, Iterator

from vospace_server.commands import doctor_host, doctor_parts
from vospace_server.commands.findings import Finding, Verdict, fine
from vospace_server.commands.opening import load
from vospace_server.config import ServerConfig

_CHECKS: tuple[Callable[[ServerConfig], Finding], ...] = (
    doctor_host.check_versions,
    doctor_host.check_data_dir,
    doctor_host.check_secrets,
    doctor_host.check_room,
    doctor_host.check_clock,
    doctor_host.check_open_files,
    doctor_host.check_port,
    doctor_parts.check_certificate,
    doctor_parts.check_database,
    doctor_parts.check_accounts,
    doctor_parts.check_storage,
)


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
    for check in _CHECKS:
        yield check(loaded.config)
