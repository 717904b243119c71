"""Real mounts for the tests: `mountvofs` in its own process, unmounted whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.space import Space, User

MOUNT_SECONDS = 60
UNMOUNT_SECONDS = 30


def is_mounted(mountpoint: Path) -> bool:
    """Whether the kernel lists a mount there, dead or alive."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return any(line.split(" ")[1] == str(mountpoint) for line in lines)


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One mount: where it is, who mounted what, and its cache directory."""

    mountpoint: Path
    cache_dir: Path
    environment: dict[str, str]
    command: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The mountpoint, to be joined with names."""
        return self.mountpoint

    def try_mount(self) -> subprocess.CompletedProcess[str]:
        """Run `mountvofs` as a user does; it returns when the mount answers, or has failed."""
        return subprocess.run(
            self.command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=MOUNT_SECONDS,
            check=False,
        )

    def mount(self) -> "Mount":
        """Mount; fails the test with what `mountvofs` said if it can't."""
        done = self.try_mount()
        assert done.returncode == 0, done.stderr
        return self

    def pid(self) -> int:
        """The process that serves the mount, from what the mount says of itself."""
        return int(self.status()["pid"])

    def status(self) -> dict[str, Any]:
        """What `vofs status --json` tells of this mount."""
        found: dict[str, Any] = json.loads(self.control("status", str(self.path), "--json"))
        return found

    def control(self, *words: str) -> str:
        """Run `vofs` with the words given; fails the test if it fails."""
        command = [sys.executable, "-c", "from vofs.__main__ import control; control()", *words]
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UNMOUNT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"vofs {words}: {done.stderr}"
        return done.stdout

    def kill(self) -> None:
        """End the mount's process as a power cut does; the mountpoint may stay behind dead."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _runs(pid), "the mount's process is gone")

    def unmount(self) -> None:
        """Unmount as a user does and wait until the process is gone."""
        if not is_mounted(self.path):
            return
        pid = self.pid()
        subprocess.run(
            ["fusermount3", "-u", str(self.path)], check=True, timeout=UNMOUNT_SECONDS
        )
        wait_until(lambda: not _runs(pid), "the mount's process is gone")

    def abandon(self) -> None:
        """Unmount by force, whatever state the mount is in; for the end of a test."""
        for _ in range(50):
            if not is_mounted(self.path):
                return
            subprocess.run(
                ["fusermount3", "-u", "-z", str(self.path)], check=False, capture_output=True
            )
            time.sleep(0.1)
        raise AssertionError(f"{self.path} can't be unmounted")


def _runs(pid: int) -> bool:
    try:
        state = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        )
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(
    condition: Callable[[], bool], what: str, *, seconds: float = UNMOUNT_SECONDS
) -> None:
    """Wait for a condition by looking often; fails the test when it does not come true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclass(kw_only=True)
class Mounts:
    """Makes mounts in a folder of the test and ends them all."""

    folder: Path
    space: Space

    def __post_init__(self) -> None:
        self._made: list[Mount] = []

    def prepare(
        self,
        source: str,
        *options: str,
        user: User | None,
        cache: str | None = None,
        service: str | None = None,
    ) -> Mount:
        """A mount that is not mounted yet; mounts with the same `cache` share its directory."""
        number = len(self._made)
        mountpoint = self.folder / f"mnt{number}"
        mountpoint.mkdir()
        cache_dir = self.folder / (cache or f"cache{number}")
        command = [
            sys.executable,
            "-m",
            "vofs",
            source,
            str(mountpoint),
            "--service",
            service or self.space.server.url,
            "--cache-dir",
            str(cache_dir),
            *options,
        ]
        mount = Mount(
            mountpoint=mountpoint,
            cache_dir=cache_dir,
            environment=self._environment(user),
            command=tuple(command),
        )
        self._made.append(mount)
        return mount

    def mount(
        self,
        source: str,
        *options: str,
        user: User | None,
        cache: str | None = None,
        service: str | None = None,
    ) -> Mount:
        """A mount that answers."""
        return self.prepare(source, *options, user=user, cache=cache, service=service).mount()

    def abandon_all(self) -> None:
        """End every mount, the last first."""
        for mount in reversed(self._made):
            mount.abandon()

    def _environment(self, user: User | None) -> dict[str, str]:
        """A home of its own for each user: nothing of the machine's leaks in."""
        home = self.folder / ("home-" + (user.name if user else "nobody"))
        config = home / ".config" / "vofs"
        config.mkdir(parents=True, exist_ok=True)
        if user is not None:
            token = config / "token"
            token.write_text(user.token + "\n", encoding="utf-8")
            token.chmod(0o600)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOSPACE_", "VOFS_"))}
        runtime = self.folder / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        return {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
