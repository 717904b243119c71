"""What is measured of the server alone, beside nginx and the speed of hashing."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import FILES_PER_LISTED_FOLDER, LISTED_FOLDERS, Dataset
from benchmarks.processes import finish, free_port, running, wait_until_listening
from benchmarks.servers import Endpoint
from benchmarks.session import ROW_SECONDS, require
from benchmarks.vospace import USER

Figures = dict[str, float]
LOAD_SECONDS = 4.0
LOAD_CONNECTIONS = 8
MB = 1e6
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSession:
    """Our server and nginx, both with the data set, on the same machine at the same time."""

    dataset: Dataset
    ours: Endpoint
    nginx: Endpoint

    @property
    def header(self) -> Path:
        """The file with our user's Authorization header."""
        return self.ours.state / "header"


def downloads(session: ServerSession) -> Figures:
    """Curl of the large file, from our server and from nginx."""
    name = session.dataset.large.name
    ours = f"http://127.0.0.1:{session.ours.port}/vault/files/{USER}/{name}"
    theirs = f"http://127.0.0.1:{session.nginx.port}/{name}"
    header = ["-L", "-H", f"@{session.header}"]
    return {
        "server_down": _rate(session, [*header, "-o", "/dev/null", ours]),
        "nginx_down": _rate(session, ["-o", "/dev/null", theirs]),
    }


def uploads(session: ServerSession) -> Figures:
    """Curl -T of the large file, to our server and to nginx, and hashing it once."""
    large = session.dataset.large
    ours = f"http://127.0.0.1:{session.ours.port}/vault/files/{USER}/uploaded.fits"
    theirs = f"http://127.0.0.1:{session.nginx.port}/uploaded.fits"
    try:
        return {
            "server_up": _rate(session, ["-H", f"@{session.header}", "-T", large, ours]),
            "nginx_up": _rate(session, ["-T", large, theirs]),
            "hashing": _hashing_rate(large),
        }
    finally:
        (session.dataset.root / "uploaded.fits").unlink(missing_ok=True)


def _rate(session: ServerSession, words: list[str | Path]) -> float:
    command = ["curl", "-fsS", "-w", "%{time_total}", *words]
    printed = finish(command, timeout_seconds=ROW_SECONDS)
    # An upload's answer may have a body, which comes before the time.
    seconds = float(printed.splitlines()[-1].rpartition("}")[2])
    return session.dataset.large_bytes / MB / seconds


def _hashing_rate(path: Path) -> float:
    """MD5 and SHA-256 of the same bytes in one thread, from memory."""
    content = memoryview(path.read_bytes())
    digests = (hashlib.md5(usedforsecurity=False), hashlib.sha256())
    started = time.perf_counter()
    for offset in range(0, len(content), CHUNK_BYTES):
        for digest in digests:
            digest.update(content[offset : offset + CHUNK_BYTES])
    return len(content) / MB / (time.perf_counter() - started)


def node_gets(session: ServerSession) -> Figures:
    """Nodes that one process gives a second: the XML of the standard, and our JSON.

    Beside them what uvicorn gives with no application behind it.
    """
    folder = f"{USER}/listed/folder_5/listed_0500.dat"
    return {
        "node_gets": _load(session, "GET", f"/vault/nodes/{folder}"),
        "json_gets": _load(session, "GET", f"/api/v1/nodes/{folder}"),
        "bare_gets": _bare_gets(session),
    }


def _bare_gets(session: ServerSession) -> float:
    port = free_port()
    log = session.ours.state / "bare.log"
    with running([sys.executable, "-m", "benchmarks.bare", str(port)], log=log) as process:
        wait_until_listening(process, port, log)
        return _load(session, "GET", "/", port=port)


def creates(session: ServerSession) -> Figures:
    """Containers that are made a second, each in a transaction of its own."""
    stamp = time.monotonic_ns()
    return {"creates": _load(session, "CONTAINER", f"/vault/nodes/{USER}/made-{stamp}-{{}}")}


def listings(session: ServerSession) -> Figures:
    """The whole tree in one answer: nodes a second, and milliseconds to the first byte."""
    url = f"http://127.0.0.1:{session.ours.port}/api/v1/children/{USER}/listed?depth=all"
    command = ["curl", "-fsS", "-H", f"@{session.header}", "-o", "/dev/null", url]
    times = finish(
        [*command, "-w", "%{time_starttransfer} %{time_total}"], timeout_seconds=ROW_SECONDS
    )
    first, total = (float(word) for word in times.split())
    nodes = LISTED_FOLDERS * (FILES_PER_LISTED_FOLDER + 1)
    return {"listed_nodes": nodes / total, "listing_first_byte_ms": first * 1e3}


def _load(session: ServerSession, method: str, path: str, *, port: int | None = None) -> float:
    answering = str(port or session.ours.port)
    command = [sys.executable, "-m", "benchmarks.load", method, answering]
    printed = finish(
        [*command, session.header, path, str(LOAD_SECONDS), str(LOAD_CONNECTIONS)],
        timeout_seconds=ROW_SECONDS,
    )
    rate = float(json.loads(printed)["per_second"])
    require(rate > 0, "nothing was answered")
    return rate


ROWS: tuple[Callable[[ServerSession], Figures], ...] = (
    downloads,
    uploads,
    node_gets,
    listings,
    creates,
)
