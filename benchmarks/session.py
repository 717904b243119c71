"""One client on its running server: mounts of it, and the things that are timed in a mount."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import Dataset
from benchmarks.mounting import Client, Mounted, MountPlan
from benchmarks.page_cache import drop_page_cache
from benchmarks.processes import ProgramFailed, finish
from benchmarks.servers import Endpoint
from benchmarks.wire import Wire, counted_wire

# A row that takes longer is given up, and says so.
ROW_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the rows of one client need."""

    client: Client
    dataset: Dataset
    endpoint: Endpoint

    @contextmanager
    def mounted(self, *, port: int | None = None) -> Iterator[Mounted]:
        """A fresh mount with an empty cache, and nothing of it in the page cache.

        The server's copy of the large file is brought into the page cache, so that what is
        measured is the client and the wire; for the local disk it stays on the disk.
        """
        state = self.endpoint.state
        plan = MountPlan(
            root=self.dataset.root,
            port=port or self.endpoint.port,
            state=state,
            mountpoint=state / "mnt",
            cache=state / "cache",
        )
        drop_page_cache()
        with self.client.mount(plan) as mounted:
            self._warm_server()
            yield mounted

    @contextmanager
    def relayed(self, *, round_trip_seconds: float = 0.0) -> Iterator[tuple[Mounted, Wire]]:
        """A fresh mount whose connections pass through a counting relay."""
        with (
            counted_wire(self.endpoint.port, round_trip_seconds=round_trip_seconds) as wire,
            self.mounted(port=wire.port) as mounted,
        ):
            yield mounted, wire

    def download_seconds(self) -> float | None:
        """How long curl takes for the large file; None where the server speaks no HTTP."""
        if self.client.download is None:
            return None
        command = self.client.download(self.endpoint, self.dataset.large.name)
        printed = finish(
            [*command, "-o", "/dev/null", "-w", "%{time_total}"], timeout_seconds=ROW_SECONDS
        )
        return float(printed)

    def _warm_server(self) -> None:
        if self.client.command is None:
            return
        if self.download_seconds() is None:
            workload("read", self.dataset.large)


def workload(name: str, *words: str | Path) -> dict[str, float]:
    """Runs a timed workload in a process of its own; `ProgramFailed` when it takes too long."""
    command = [sys.executable, "-m", "benchmarks.workload", name, *words]
    figures: dict[str, float] = json.loads(finish(command, timeout_seconds=ROW_SECONDS))
    return figures


def timed(command: Sequence[str | Path]) -> float:
    """The seconds that a program takes from its start to its end."""
    started = time.perf_counter()
    finish(command, timeout_seconds=ROW_SECONDS)
    return time.perf_counter() - started


def require_same_files(one: Path, other: Path) -> None:
    """Raises `ProgramFailed` unless the two folders hold the same bytes."""
    finish(["diff", "-rq", one, other], timeout_seconds=ROW_SECONDS)


def require(condition: bool, complaint: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raises `ProgramFailed` with the complaint unless the condition holds."""
    if not condition:
        raise ProgramFailed(complaint)
