"""A client of the files: how its server is started and how it is mounted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import running, unmount, wait_until_mounted
from benchmarks.servers import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPlan:
    """What a mount command is made from; `port` may be a relay's rather than the server's."""

    root: Path
    port: int
    state: Path
    mountpoint: Path
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A mount that answers: its folder, and its process (None for the local disk)."""

    folder: Path
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One column of the table.

    `serve` starts its server on a data set; `command` makes the command that mounts in the
    foreground, and is None for the local disk; `download` makes the curl command for the large
    file from the same server, where it speaks HTTP; `missing` names a program that is not
    installed, if any. `writeback` makes the command for a mount whose close does not wait for
    the server, and `flush` the one that waits until the server has all.
    """

    name: str
    serve: Callable[[Path, Path], AbstractContextManager[Endpoint]]
    command: Callable[[MountPlan], list[str | Path]] | None
    missing: Callable[[], str | None]
    download: Callable[[Endpoint, str], list[str | Path]] | None = None
    speaks_http: bool = True
    writeback: Callable[[MountPlan], list[str | Path]] | None = None
    flush: Callable[[Path], list[str | Path]] | None = None

    @contextmanager
    def mount(self, plan: MountPlan) -> Iterator[Mounted]:
        """Mounts with an empty cache; unmounts and removes the cache afterwards."""
        if self.command is None:
            yield Mounted(folder=plan.root, pid=None)
            return
        plan.mountpoint.mkdir(exist_ok=True)
        shutil.rmtree(plan.cache, ignore_errors=True)
        plan.cache.mkdir(parents=True)
        log = plan.state / "mount.log"
        with running(self.command(plan), log=log) as process:
            try:
                wait_until_mounted(process, plan.mountpoint, log)
                yield Mounted(folder=plan.mountpoint, pid=process.pid)
            finally:
                unmount(plan.mountpoint)
        shutil.rmtree(plan.cache, ignore_errors=True)


@contextmanager
def no_server(root: Path, state: Path) -> Iterator[Endpoint]:
    """The local disk needs none."""
    del root
    yield Endpoint(port=0, state=state)
