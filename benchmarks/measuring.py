"""Runs the rows of all clients in turn, and keeps what came out."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.dataset import Dataset
from benchmarks.mounting import Client
from benchmarks.processes import ProgramFailed
from benchmarks.session import Session

Figures = dict[str, float]
Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something to measure, how often, and whether it counts bytes and requests."""

    measure: Callable[[Session], Figures]
    repeats: int
    counts_wire: bool = False

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.measure.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one client scored: medians by name, and the reason for each row that failed."""

    name: str
    figures: Figures
    failures: dict[str, str]

    def says(self, name: str) -> str | None:
        """Why the figure is missing, if its row failed."""
        return self.failures.get(name) or self.failures.get("*")


@dataclass(slots=True, kw_only=True)
class Tally:
    """The samples of one client while the rows run; no session when it did not start."""

    client: Client
    session: Session | None = None
    samples: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, figures: Figures) -> None:
        """One more run of a row."""
        for name, value in figures.items():
            self.samples.setdefault(name, []).append(value)

    def column(self) -> Column:
        """The medians."""
        medians = {name: statistics.median(values) for name, values in self.samples.items()}
        return Column(name=self.client.name, figures=medians, failures=self.failures)


def measure_clients(
    clients: Sequence[Client], dataset: Dataset, rows: Sequence[Row], announce: Announce
) -> list[Column]:
    """Starts every client's server, then runs each row for one client after the other.

    What else the machine does changes from minute to minute; so the runs that are compared
    with each other follow each other closely.
    """
    with ExitStack() as stack:
        tallies = []
        for client in clients:
            announce(f"starting the server of {client.name}")
            tallies.append(stack.enter_context(_serving(client, dataset)))
        for row in rows:
            for number in range(row.repeats):
                announce(f"{row.name.replace('_', ' ')} ({number + 1} of {row.repeats})")
                for tally in tallies:
                    _run(row, tally, announce)
        return [tally.column() for tally in tallies]


@contextmanager
def _serving(client: Client, dataset: Dataset) -> Iterator[Tally]:
    program = client.missing()
    if program is not None:
        yield Tally(client=client, failures={"*": f"no {program} here"})
        return
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="vospace-bench-"))
        try:
            endpoint = stack.enter_context(client.serve(dataset.root, Path(state)))
        except ProgramFailed as failure:
            yield Tally(client=client, failures={"*": str(failure)})
            return
        session = Session(client=client, dataset=dataset, endpoint=endpoint)
        yield Tally(client=client, session=session)


def _run(row: Row, tally: Tally, announce: Announce) -> None:
    if tally.session is None or row.name in tally.failures:
        return
    # The local disk has no wire to count.
    if row.counts_wire and tally.client.command is None:
        return
    try:
        tally.add(row.measure(tally.session))
    except ProgramFailed as failure:
        tally.failures[row.name] = str(failure)
        announce(f"{tally.client.name}: {failure}")
