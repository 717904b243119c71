"""Counts what passes between a client and a server, through a relay process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.relay import WireCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A running relay: the port to connect to, and what has passed."""

    port: int
    process: subprocess.Popen[str]

    def counts(self) -> WireCounts:
        """What has passed so far."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\n")
        stdin.flush()
        return WireCounts(**json.loads(stdout.readline()))


@contextmanager
def counted_wire(target_port: int, *, round_trip_seconds: float = 0.0) -> Iterator[Wire]:
    """A relay to `target_port`, with nothing counted yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.relay", str(target_port), str(round_trip_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Wire(port=int(process.stdout.readline()), process=process)
    finally:
        process.kill()
        process.communicate()
