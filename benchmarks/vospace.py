"""Our own server with the data set in it, and our own mount."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.mounting import MountPlan
from benchmarks.processes import ProgramFailed, finish, free_port, running, wait_until_listening
from benchmarks.servers import Endpoint

USER = "durand"
UPLOAD_THREADS = 8
ADMINISTRATION_SECONDS = 30.0
UPLOAD_SECONDS = 120.0
CONTAINER = (
    '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' uri="vos://localhost~vault/{path}" xsi:type="vos:ContainerNode"/>'
)


def program(package: str) -> list[str | Path]:
    """One of our commands, from the environment that runs the benchmarks."""
    return [sys.executable, "-m", package]


@contextmanager
def vospace_server(root: Path, state: Path) -> Iterator[Endpoint]:
    """One server process on SQLite and a directory, with the folder's files uploaded."""
    space = state / "space"
    port = free_port()
    log = state / "server.log"
    command = ("serve", "--data-dir", space, "--port", str(port))
    with running([*program("vospace_server"), *command], log=log) as process:
        wait_until_listening(process, port, log)
        token = _make_account(space)
        (state / "token").write_text(token, encoding="ascii")
        (state / "header").write_text(f"Authorization: Bearer {token}\n", encoding="ascii")
        try:
            _upload(root, f"http://127.0.0.1:{port}/vault", token)
        except httpx.HTTPError as error:
            raise ProgramFailed(f"vospace-server took not all files: {error}") from error
        yield Endpoint(port=port, state=state, pid=process.pid)


def mount_command(plan: MountPlan) -> list[str | Path]:
    """The mount as a user types it, in the foreground and with a cache of its own."""
    return [
        *program("vofs"),
        *(f"vos:{USER}", plan.mountpoint, "-f"),
        *("--service", f"http://127.0.0.1:{plan.port}/vault"),
        *("--token-file", plan.state / "token", "--cache-dir", plan.cache),
    ]


def writeback_command(plan: MountPlan) -> list[str | Path]:
    """The same mount with uploads in the background."""
    return [*mount_command(plan), "-o", "writeback"]


def flush_command(mountpoint: Path) -> list[str | Path]:
    """Waits until the server has all that was closed."""
    code = "from vofs.__main__ import control; control()"
    return [sys.executable, "-c", code, "flush", mountpoint]


def download_command(endpoint: Endpoint, name: str) -> list[str | Path]:
    """Curl of one file, following the redirect to its byte endpoint."""
    url = f"http://127.0.0.1:{endpoint.port}/vault/files/{USER}/{name}"
    return ["curl", "-fsSL", "-H", f"@{endpoint.state / 'header'}", url]


def _make_account(space: Path) -> str:
    administer(space, "user", "add", USER, "--password-stdin", says="a benchmark on loopback\n")
    administer(space, "allocation", "add", f"/{USER}", "--owner", USER, "--quota", "200GiB")
    return administer(space, "user", "token", USER).splitlines()[-1]


def administer(space: Path, *words: str, says: str | None = None) -> str:
    """Runs one administering command on the running server's data, and returns its output."""
    command = [*program("vospace_server"), *words, "--data-dir", space]
    return finish(command, timeout_seconds=ADMINISTRATION_SECONDS, says=says)


def _upload(root: Path, service: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    paths = sorted(root.rglob("*"))
    with (
        httpx.Client(headers=headers, timeout=UPLOAD_SECONDS) as http,
        ThreadPoolExecutor(UPLOAD_THREADS) as threads,
    ):

        def send(path: Path) -> None:
            with path.open("rb") as content:
                url = f"{service}/files/{USER}/{path.relative_to(root)}"
                http.put(url, content=content).raise_for_status()

        for folder in (path for path in paths if path.is_dir()):
            name = f"{USER}/{folder.relative_to(root)}"
            answer = http.put(
                f"{service}/nodes/{name}",
                content=CONTAINER.format(path=name),
                headers={"Content-Type": "text/xml"},
            )
            answer.raise_for_status()
        for _ in threads.map(send, (path for path in paths if path.is_file())):
            pass
