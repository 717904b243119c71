"""`vospace-server doctor`: is the place that the space lives in sound?"""

import argparse
from collections.abc import Iterator

from vospace_server.commands.failures import describe_failure
from vospace_server.commands.opening import load
from vospace_server.examination.checks import examine as examine_parts
from vospace_server.examination.findings import Finding, Verdict, fine


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
    yield from examine_parts(loaded.config, describe=lambda error: describe_failure(error).line)
