"""What is measured of a server with many nodes, and how it is written down."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.big_tree import BigTree
from benchmarks.processes import ProgramFailed, finish
from benchmarks.vospace import USER, program

Figures = dict[str, float]
LOAD_SECONDS: Final = 4.0
SAMPLED_PATHS: Final = 20_000
JOB_SECONDS: Final = 600.0
FSCK_SECONDS: Final = 1800.0
# Sizes are folded within a second.
FOLDING_SECONDS: Final = 30.0
_CORE: Final = "ivo://ivoa.net/vospace/core#"
_TRANSFER: Final = (
    '<vos:transfer xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" version="2.1">'
    "<vos:target>vos://localhost~vault/{source}</vos:target>"
    "<vos:direction>vos://localhost~vault/{destination}</vos:direction>"
    "<vos:keepBytes>true</vos:keepBytes></vos:transfer>"
)
_TITLED: Final = (
    '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' uri="vos://localhost~vault/{path}" xsi:type="vos:ContainerNode"><vos:properties>'
    f'<vos:property uri="{_CORE}title">measured</vos:property>'
    f'<vos:property uri="{_CORE}ispublic">true</vos:property>'
    "</vos:properties></vos:node>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `floor` is what the contract asks of it."""

    key: str
    title: str
    floor: float | None = None
    is_ceiling: bool = False
    # On this engine alone; the contract names one for each rate.
    engine: str | None = None
    decimals: int = 0

    def is_met(self, value: float, engine: str) -> bool | None:
        """Whether the floor is kept; None where there is none."""
        if self.floor is None or self.engine not in {None, engine}:
            return None
        return value <= self.floor if self.is_ceiling else value >= self.floor


ROWS: Final = (
    Row(key="gets", title="node GET (XML), a second", floor=1000.0, engine="SQLite"),
    Row(key="containers", title="containers made, a second"),
    Row(
        key="nodes",
        title="data nodes made, a second",
        floor=300.0,
        engine="PostgreSQL",
    ),
    Row(key="files", title="files of 1 KiB stored, a second"),
    Row(key="xml", title="listing of 10^5 children (XML), nodes a second", floor=20_000.0),
    Row(key="xml_first", title="— first byte (XML), ms", floor=100.0, is_ceiling=True),
    Row(key="json", title="listing of 10^5 children (JSON), nodes a second"),
    Row(key="json_first", title="— first byte (JSON), ms", floor=100.0, is_ceiling=True),
    Row(key="grown", title="— growth of the server's memory, MiB"),
    Row(key="copy", title="copy of a tree of 10^4 nodes, s", decimals=1),
    Row(key="setprops", title="two properties set on 10^5 nodes, s", decimals=1),
    Row(key="delete", title="recursive delete of 10^5 nodes, s", decimals=1),
    Row(
        key="wrong",
        title="sizes and quota that are wrong afterwards (fsck)",
        floor=0.0,
        is_ceiling=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BigSpace:
    """A server over a database with many nodes; `common` are the options of all commands."""

    port: int
    pid: int
    header: Path
    connections: int
    common: tuple[str | Path, ...]

    @property
    def url(self) -> str:
        """The address of the host."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """An HTTP client that is logged in as the owner."""
        name, _, value = self.header.read_text(encoding="ascii").strip().partition(": ")
        return httpx.Client(base_url=self.url, headers={name: value}, timeout=JOB_SECONDS)


def rates(space: BigSpace, tree: BigTree, folder: Path) -> Figures:
    """Node GETs at random places, and nodes made in one container, a second."""
    paths = folder / "paths"
    chosen = random.Random(1)  # noqa: S311 - the same sample every time
    paths.write_text(
        "".join(
            f"/vault/nodes/{USER}/{tree.name}/{chosen.randrange(tree.folders)}"
            f"/{chosen.randrange(tree.files_per_folder)}\n"
            for _ in range(SAMPLED_PATHS)
        )
    )
    return {
        "gets": _load(space, "GET", f"@{paths}"),
        "containers": _load(space, "CONTAINER", f"/vault/nodes/{USER}/container-{{}}"),
        "nodes": _load(space, "DATA", f"/vault/nodes/{USER}/node-{{}}"),
        "files": _load(space, "FILE", f"/vault/files/{USER}/file-{{}}"),
    }


def _load(space: BigSpace, what: str, path: str) -> float:
    command = [sys.executable, "-m", "benchmarks.load", what, str(space.port)]
    words: list[str | Path] = [space.header, path, str(LOAD_SECONDS), str(space.connections)]
    printed = finish([*command, *words], timeout_seconds=60.0)
    return float(json.loads(printed)["per_second"])


def listing(space: BigSpace, tree: BigTree) -> Figures:
    """All children of one container, as XML and as our JSON."""
    before = _resident_mib(space.pid)
    found: Figures = {}
    for kind, path in (
        ("xml", f"/vault/nodes/{USER}/{tree.name}/0"),
        ("json", f"/api/v1/children/{USER}/{tree.name}/0"),
    ):
        shown = "%{time_starttransfer} %{time_total}"
        command = ["curl", "-fsS", "-H", f"@{space.header}", "-o", "/dev/null", "-w", shown]
        printed = finish([*command, f"{space.url}{path}"], timeout_seconds=60.0)
        first, total = (float(word) for word in printed.split())
        found[kind] = tree.files_per_folder / total
        found[f"{kind}_first"] = first * 1e3
    return found | {"grown": _resident_mib(space.pid) - before}


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 0.0 if found is None else int(found[1]) / 1024


def jobs(space: BigSpace, copied: BigTree, wide: BigTree) -> Figures:
    """A copy of 10^4 nodes; 10^5 nodes changed, and then deleted. Each must count all nodes."""
    target = f"{USER}/{wide.name}"
    with space.client() as client:
        document = _TRANSFER.format(
            source=f"{USER}/{copied.name}", destination=f"{USER}/{copied.name}-copy"
        )
        copying, _ = _job(client, "/vault/transfers", document)
        changing, changed = _job(client, "/vault/async-setprops", _TITLED.format(path=target))
        asked = {"target": f"vos://localhost~vault/{target}"}
        deleting, deleted = _job(client, "/vault/async-delete", asked)
    for count in (changed, deleted):
        if count != wide.nodes + 1:
            raise ProgramFailed(f"a job counted {count} nodes, not {wide.nodes + 1}")
    return {"copy": copying, "setprops": changing, "delete": deleting}


def _job(
    client: httpx.Client, path: str, asked: str | dict[str, str]
) -> tuple[float, int | None]:
    """Run a job to its end; its time from RUN to the last phase, and the nodes it counted."""
    if isinstance(asked, str):
        made = client.post(path, content=asked, headers={"Content-Type": "text/xml"})
    else:
        made = client.post(path, data=asked)
    url = made.headers["location"]
    started = time.perf_counter()
    client.post(f"{url}/phase", data={"PHASE": "RUN"})
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        client.get(f"{url}?WAIT=10&PHASE={phase}")
        phase = client.get(f"{url}/phase").text
    seconds = time.perf_counter() - started
    if phase != "COMPLETED":
        raise ProgramFailed(f"{path}: {phase} {client.get(f'{url}/error').text}")
    counted = re.search(r"final:(\d+)", client.get(url).text)
    return seconds, None if counted is None else int(counted[1])


def exactness(space: BigSpace) -> Figures:
    """How many things fsck finds wrong, sizes and quota above all, while the server runs on."""
    command = [*program("vospace_server"), "fsck", "--quick", *space.common]
    checked = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=FSCK_SECONDS,
        check=False,
    )
    lines = checked.stdout.splitlines()
    if checked.returncode == 0:
        return {"wrong": 0.0}
    found = re.match(r"(\d+) things are wrong", lines[-1] if lines else "")
    if found is None:
        raise ProgramFailed(f"fsck: {checked.stderr.strip() or lines}")
    print(*lines[:20], sep="\n", file=sys.stderr)
    return {"wrong": float(found[1])}


def table(columns: Mapping[int, Figures], engine: str) -> str:
    """The figures of all sizes, side by side, and what they say about the floors."""
    lines = [
        "|  | floor | " + " | ".join(f"{size:,} nodes" for size in columns) + " |",
        "| --- | --- |" + " --- |" * len(columns),
    ]
    for row in ROWS:
        cells = [_cell(row, figures, engine) for figures in columns.values()]
        lines.append(f"| {row.title} | {_asked(row, engine)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n" + _slowdown(columns)


def _asked(row: Row, engine: str) -> str:
    if row.floor is None or row.engine not in {None, engine}:
        return ""
    return f"{'≤' if row.is_ceiling else '≥'} {row.floor:,.0f}"


def _cell(row: Row, figures: Figures, engine: str) -> str:
    if row.key not in figures:
        return "-"
    text = f"{figures[row.key]:,.{row.decimals}f}"
    missed = row.is_met(figures[row.key], engine) is False
    return f"{text} **missed**" if missed else text


def _slowdown(columns: Mapping[int, Figures]) -> str:
    if len(columns) < 2:  # noqa: PLR2004 - one size has nothing to be compared with
        return ""
    gets = [figures["gets"] for figures in columns.values()]
    ratio = max(gets) / min(gets)
    verdict = "met" if ratio <= 2 else "**missed**"  # noqa: PLR2004 - the contract's
    return f"\nNode GET, the fastest size to the slowest: {ratio:.2f} x (≤ 2 x: {verdict}).\n"
