"""Runs the rows of every client, and keeps what came out."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import Dataset
from benchmarks.mounting import Client
from benchmarks.processes import ProgramFailed
from benchmarks.session import Session

Figures = dict[str, float]
Row = Callable[[Session], Figures]
Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one client scored: medians by name, and the reason for each row that failed."""

    name: str
    figures: Figures
    failures: dict[str, str]

    def says(self, name: str) -> str | None:
        """Why the figure is missing, if its row failed."""
        return self.failures.get(name) or self.failures.get("*")


def failed(client: Client, reason: str) -> Column:
    """The column of a client that is not installed here, or did not start."""
    return Column(name=client.name, figures={}, failures={"*": reason})


def measure_client(
    client: Client,
    dataset: Dataset,
    rows: Sequence[tuple[Row, int]],
    announce: Announce,
) -> Column:
    """Starts the client's server, runs each row as often as is asked, and takes medians."""
    program = client.missing()
    if program is not None:
        return failed(client, f"no {program} here")
    with tempfile.TemporaryDirectory(prefix="vospace-bench-") as state:
        try:
            with client.serve(dataset.root, Path(state)) as endpoint:
                session = Session(client=client, dataset=dataset, endpoint=endpoint)
                return _measure(session, rows, announce)
        except ProgramFailed as failure:
            announce(f"{client.name}: {failure}")
            return failed(client, str(failure))


def _measure(session: Session, rows: Sequence[tuple[Row, int]], announce: Announce) -> Column:
    name = session.client.name
    figures: Figures = {}
    failures: dict[str, str] = {}
    for row, repeats in rows:
        announce(f"{name}: {row.__name__.replace('_', ' ')}")
        try:
            figures |= median_of([row(session) for _ in range(repeats)])
        except ProgramFailed as failure:
            failures[row.__name__] = str(failure)
            announce(f"{name}: {failure}")
    return Column(name=name, figures=figures, failures=failures)


def median_of(samples: Iterable[Figures]) -> Figures:
    """The median of every figure over the samples."""
    together: dict[str, list[float]] = {}
    for sample in samples:
        for name, value in sample.items():
            together.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in together.items()}
