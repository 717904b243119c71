"""`python -m benchmarks.scale`: the server with 10^3 to 10^7 nodes, on SQLite or PostgreSQL.

Prints a section and puts it into benchmarks/RESULTS.md. `--nodes 1000,100000,1000000` are the
sizes. Without more the space is on SQLite; `--postgres` starts a PostgreSQL of its own for it,
`--database-url` names an empty database elsewhere.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from benchmarks.big_tree import FILES_PER_FOLDER, BigTree, fill
from benchmarks.machine import describe_machine
from benchmarks.postgres import postgres_database, refresh_statistics
from benchmarks.postgres import version as postgres_version
from benchmarks.processes import (
    ProgramFailed,
    finish,
    free_port,
    last_words,
    running,
    wait_until_listening,
)
from benchmarks.report import heading_of, insert_section
from benchmarks.scale_rows import (
    BigSpace,
    Figures,
    exactness,
    jobs,
    listing,
    rates,
    table,
)
from benchmarks.vospace import USER, program

RESULTS = Path(__file__).with_name("RESULTS.md")
SIZES: Final = (1_000, 100_000, 1_000_000)
LISTED: Final = 100_000
COPIED: Final = 10_000
CONNECTIONS: Final = {"SQLite": 8, "PostgreSQL": 16}
ADMINISTRATION_SECONDS: Final = 60.0


@contextmanager
def big_space(
    state: Path, trees: Sequence[BigTree], database_url: str | None
) -> Iterator[BigSpace]:
    """Fill a database and serve it."""
    options = [] if database_url is None else ["--database-url", database_url]
    common: list[str | Path] = ["--data-dir", state / "space", *options]
    _administer(common, "user", "add", USER, "--password-stdin", says="on loopback alone\n")
    _administer(common, "allocation", "add", f"/{USER}", "--owner", USER, "--quota", "1TiB")
    token = _administer(common, "user", "token", USER).splitlines()[-1]
    header = state / "header"
    header.write_text(f"Authorization: Bearer {token}\n", encoding="ascii")
    for tree in trees:
        fill(database_url or f"sqlite:///{state / 'space' / 'vospace.sqlite'}", USER, tree)
    if database_url is not None:
        refresh_statistics(database_url)
    port, log = free_port(), state / "server.log"
    command = [*program("vospace_server"), "serve", *common, "--port", str(port)]
    with running(command, log=log) as process:
        wait_until_listening(process, port, log)
        try:
            yield BigSpace(
                port=port,
                pid=process.pid,
                header=header,
                connections=CONNECTIONS[_engine(database_url)],
                common=tuple(common),
            )
        except ProgramFailed as failure:
            raise ProgramFailed(f"{failure}; the server says: {last_words(log)}") from failure


def _administer(common: Sequence[str | Path], *words: str, says: str | None = None) -> str:
    command = [*program("vospace_server"), *words, *common]
    return finish(command, timeout_seconds=ADMINISTRATION_SECONDS, says=says)


def _engine(database_url: str | None) -> str:
    return "SQLite" if database_url is None else "PostgreSQL"


def measure(size: int, database_url: str | None) -> Figures:
    """One size: its column of the table."""
    folders = max(1, size // (FILES_PER_FOLDER + 1))
    tree = BigTree(name="bulk", folders=folders)
    wide = BigTree(name="wide", folders=1, files_per_folder=LISTED)
    small = BigTree(name="copied", folders=COPIED // FILES_PER_FOLDER)
    with (
        tempfile.TemporaryDirectory(prefix="vospace-scale-") as folder,
        big_space(Path(folder), [tree, wide, small], database_url) as space,
    ):
        found = rates(space, tree, Path(folder))
        found |= listing(space, wide)
        found |= jobs(space, small, wide)
        found |= exactness(space)
    return found


def measure_on(size: int, options: argparse.Namespace) -> Figures:
    """One size on the engine that was asked for, in a database of its own."""
    given = nullcontext(options.database_url)
    with postgres_database() if options.postgres else given as database_url:
        return measure(size, database_url)


def main() -> None:
    """Measure every size, print the table, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--nodes", default=",".join(map(str, SIZES)))
    engines = parser.add_mutually_exclusive_group()
    engines.add_argument("--postgres", action="store_true")
    engines.add_argument("--database-url")
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    sizes = [int(word) for word in options.nodes.split(",")]
    if options.database_url and len(sizes) > 1:
        parser.error("--database-url is one empty database: give one size with --nodes")
    machine = describe_machine()
    columns: dict[int, Figures] = {}
    for size in sizes:
        print(f"  {size:,} nodes", file=sys.stderr, flush=True)
        try:
            columns[size] = measure_on(size, options)
        except ProgramFailed as failure:
            sys.exit(f"python -m benchmarks.scale: {failure}")
    on_postgres = options.postgres or options.database_url
    engine = "PostgreSQL" if on_postgres else "SQLite"
    named = postgres_version() if options.postgres else engine
    remark = f"the server at scale, one process, {CONNECTIONS[engine]} connections, on {named}"
    text = heading_of(machine, [remark]) + table(columns, engine)
    print(text)
    if not options.no_save:
        insert_section(RESULTS, text)


if __name__ == "__main__":
    main()
