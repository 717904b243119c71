"""`python -m benchmarks.scale`: the server with 10^3 to 10^7 nodes, on SQLite or PostgreSQL.

Prints a section and puts it into the results. `--nodes 1000,100000,1000000` are the sizes,
`--database-url` a PostgreSQL database that is empty (default: SQLite in a folder of its own).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.big_tree import FILES_PER_FOLDER, BigTree, fill
from benchmarks.machine import describe_machine
from benchmarks.processes import finish, free_port, running, wait_until_listening
from benchmarks.report import heading_of, insert_section
from benchmarks.vospace import USER, program

RESULTS = Path(__file__).with_name("RESULTS.md")
SIZES: Final = (1_000, 100_000, 1_000_000)
LISTED: Final = 100_000
COPIED: Final = 10_000
LOAD_SECONDS: Final = 4.0
SAMPLED_PATHS: Final = 20_000
JOB_SECONDS: Final = 600.0
ADMINISTRATION_SECONDS: Final = 60.0
_TRANSFER: Final = (
    '<vos:transfer xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" version="2.1">'
    "<vos:target>vos://localhost~vault/{source}</vos:target>"
    "<vos:direction>vos://localhost~vault/{destination}</vos:direction>"
    "<vos:keepBytes>true</vos:keepBytes></vos:transfer>"
)
Figures = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BigSpace:
    """A server over a database with many nodes."""

    port: int
    pid: int
    header: Path
    connections: int

    @property
    def url(self) -> str:
        """The address of the host."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """An HTTP client that is logged in as the owner."""
        name, _, value = self.header.read_text(encoding="ascii").strip().partition(": ")
        return httpx.Client(base_url=self.url, headers={name: value}, timeout=JOB_SECONDS)


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
    port, log = free_port(), state / "server.log"
    serve: list[str | Path] = [
        *program("vospace_server"),
        "serve",
        *common,
        "--port",
        str(port),
    ]
    with running(serve, log=log) as process:
        wait_until_listening(process, port, log)
        yield BigSpace(
            port=port,
            pid=process.pid,
            header=header,
            connections=8 if database_url is None else 16,
        )


def _administer(common: Sequence[str | Path], *words: str, says: str | None = None) -> str:
    command = [*program("vospace_server"), *words, *common]
    return finish(command, timeout_seconds=ADMINISTRATION_SECONDS, says=says)


def rates(space: BigSpace, tree: BigTree, folder: Path) -> Figures:
    """Node GETs at random places, and containers made, a second."""
    paths = folder / "paths"
    chosen = random.Random(1)  # noqa: S311 - the same sample every time
    paths.write_text(
        "".join(
            f"/vault/nodes/{USER}/{tree.name}/{chosen.randrange(tree.folders)}"
            f"/{chosen.randrange(tree.files_per_folder)}\n"
            for _ in range(SAMPLED_PATHS)
        )
    )
    stamp = time.monotonic_ns()
    return {
        "node GET (XML), a second": f"{_load(space, 'GET', f'@{paths}'):,.0f}",
        "containers made, a second": (
            f"{_load(space, 'PUT', f'/vault/nodes/{USER}/made-{stamp}-{{}}'):,.0f}"
        ),
    }


def _load(space: BigSpace, method: str, path: str) -> float:
    command = [sys.executable, "-m", "benchmarks.load", method, str(space.port)]
    words: list[str | Path] = [space.header, path, str(LOAD_SECONDS), str(space.connections)]
    printed = finish([*command, *words], timeout_seconds=60.0)
    return float(json.loads(printed)["per_second"])


def listing(space: BigSpace, tree: BigTree) -> Figures:
    """All children of one container, as XML and as our JSON."""
    before = _resident_mib(space.pid)
    found: Figures = {}
    for kind, path in (
        ("XML", f"/vault/nodes/{USER}/{tree.name}/0"),
        ("JSON", f"/api/v1/children/{USER}/{tree.name}/0"),
    ):
        shown = "%{time_starttransfer} %{time_total}"
        command = ["curl", "-fsS", "-H", f"@{space.header}", "-o", "/dev/null", "-w", shown]
        printed = finish([*command, f"{space.url}{path}"], timeout_seconds=60.0)
        first, total = (float(word) for word in printed.split())
        rate = tree.files_per_folder / total
        found[f"listing of 10^5 children ({kind}), nodes a second"] = f"{rate:,.0f}"
        found[f"— first byte ({kind}), ms"] = f"{first * 1e3:.0f}"
    grown = _resident_mib(space.pid) - before
    found["— growth of the server's memory, MiB"] = f"{grown:.0f}"
    return found


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 0.0 if found is None else int(found[1]) / 1024


def jobs(space: BigSpace, copied: BigTree, deleted: BigTree) -> Figures:
    """A copy of 10^4 nodes and a recursive deletion of 10^5, as jobs."""
    with space.client() as client:
        document = _TRANSFER.format(
            source=f"{USER}/{copied.name}", destination=f"{USER}/{copied.name}-copy"
        )
        copying = _job_seconds(client, "/vault/transfers", document)
        target = {"target": f"vos://localhost~vault/{USER}/{deleted.name}"}
        deleting = _job_seconds(client, "/vault/async-delete", target)
    return {
        "copy of a tree of 10^4 nodes, s": f"{copying:.1f}",
        "recursive delete of 10^5 nodes, s": f"{deleting:.1f}",
    }


def _job_seconds(client: httpx.Client, path: str, asked: str | dict[str, str]) -> float:
    """Run a job to its end; its time from RUN to the last phase."""
    if isinstance(asked, str):
        made = client.post(path, content=asked)
    else:
        made = client.post(path, data=asked)
    url = made.headers["location"]
    started = time.perf_counter()
    client.post(f"{url}/phase", data={"PHASE": "RUN"})
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        client.get(f"{url}?WAIT=10&PHASE={phase}")
        phase = client.get(f"{url}/phase").text
    if phase != "COMPLETED":
        sys.exit(f"{path}: {phase} {client.get(f'{url}/error').text}")
    return time.perf_counter() - started


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
    return found


def table(columns: dict[int, Figures]) -> str:
    """The figures of all sizes, side by side."""
    rows = next(iter(columns.values()))
    lines = [
        "|  | " + " | ".join(f"{size:,} nodes" for size in columns) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    lines += [
        f"| {row} | " + " | ".join(figures.get(row, "-") for figures in columns.values()) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every size, print the table, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--nodes", default=",".join(map(str, SIZES)))
    parser.add_argument("--database-url")
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    columns: dict[int, Figures] = {}
    for size in (int(word) for word in options.nodes.split(",")):
        print(f"  {size:,} nodes", file=sys.stderr, flush=True)
        columns[size] = measure(size, options.database_url)
    engine = "SQLite" if options.database_url is None else "PostgreSQL"
    text = heading_of(describe_machine(), [f"the server at scale, on {engine}"])
    text += table(columns)
    print(text)
    if not options.no_save:
        insert_section(RESULTS, text)


if __name__ == "__main__":
    main()
