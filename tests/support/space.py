"""A real `vospace-server` in a process of its own, driven as an operator drives it."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.postgres import free_port

# A server starts in two seconds, on a machine that does much else at once in a minute.
START_SECONDS = 120
STOP_SECONDS = 20


def _environment() -> dict[str, str]:
    """The machine's environment without settings that a person may have made for themselves."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("VOSPACE_", "VOFS_"))}


@dataclass(kw_only=True)
class SpaceServer:
    """One server over a data directory; it may be killed and started again on the same port."""

    data_dir: Path
    arguments: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the service: `http://127.0.0.1:PORT/vault`."""
        return f"{self.root_url}/vault"

    @property
    def root_url(self) -> str:
        """The address of the host: `http://127.0.0.1:PORT`, or https where that is all."""
        only_tls = "--tls-cert" in self.arguments and "--tls-port" not in self.arguments
        return f"{'https' if only_tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that serves; only while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that the server has written to standard error and output."""
        return (self.data_dir.parent / f"{self.data_dir.name}.log").read_text()

    def administer(self, *words: str, stdin: str = "") -> str:
        """Run an administering command and return what it printed; fails if it fails."""
        command = [
            sys.executable,
            "-m",
            "vospace_server",
            *words,
            "--data-dir",
            str(self.data_dir),
        ]
        done = subprocess.run(
            [*command, *self._database_arguments()],
            input=stdin,
            text=True,
            capture_output=True,
            env=_environment(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Start it and return when it answers."""
        command = [
            sys.executable,
            "-m",
            "vospace_server",
            "serve",
            "--data-dir",
            str(self.data_dir),
        ]
        log = self.data_dir.parent / f"{self.data_dir.name}.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
            )
        self._await_ready()

    def stop(self) -> None:
        """Stop it as an operator does; it has `STOP_SECONDS` to finish."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Keep it from running: connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run again."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.thaw()
        self.stop()

    def _database_arguments(self) -> list[str]:
        """The options of `serve` that the administering commands need as well."""
        words = self.arguments
        return [
            word
            for name in ("--database-url", "--storage-url", "--config")
            if name in words
            for word in (name, words[words.index(name) + 1])
        ]

    def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        # Only whether it answers is asked here; who it is, is the tests' business.
        with httpx.Client(base_url=self.root_url, timeout=2, verify=False) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    if client.get("/readyz").status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log}")


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who may log in to a test server."""

    name: str
    password: str
    token: str

    @property
    def basic(self) -> tuple[str, str]:
        """What httpx takes as `auth=`."""
        return (self.name, self.password)

    @property
    def bearer(self) -> dict[str, str]:
        """The header that carries the token."""
        return {"Authorization": f"Bearer {self.token}"}


def add_user(server: SpaceServer, name: str, *words: str) -> User:
    """Make a user with a password and a token, by the command line."""
    password = f"{name}-secret-1"
    server.administer("user", "add", name, "--password-stdin", *words, stdin=f"{password}\n")
    token = server.administer("user", "token", name).splitlines()[-1]
    return User(name=name, password=password, token=token)


@dataclass(frozen=True, kw_only=True)
class Space:
    """A server with the people that most tests are about.

    `owner` has the allocation `/durand`; `member` is in the group HST-RO, `stranger` is not.
    """

    server: SpaceServer
    owner: User
    member: User
    stranger: User
    group_uri: str = "ivo://localhost/gms?HST-RO"

    def client(self, user: User | None) -> httpx.Client:
        """An HTTP client that speaks as a user (None: anonymously)."""
        headers = {} if user is None else user.bearer
        return httpx.Client(base_url=self.server.root_url, headers=headers, timeout=30)


def furnished(server: SpaceServer) -> Space:
    """Add the people, the group and the allocation of `Space` to an empty server."""
    with ThreadPoolExecutor(3) as threads:
        people = threads.map(
            lambda name: add_user(server, name), ("durand", "member", "stranger")
        )
        owner, member, stranger = people
    space = Space(server=server, owner=owner, member=member, stranger=stranger)
    server.administer("group", "add", "HST-RO", "--owner", "durand")
    server.administer("group", "add-member", "HST-RO", "member")
    server.administer("allocation", "add", "durand", "--owner", "durand", "--quota", "20GiB")
    return space


@dataclass(frozen=True, kw_only=True)
class TlsSpace:
    """A server over HTTPS with one user, `durand`, who owns the allocation `/durand`."""

    server: SpaceServer
    owner: User
    ca_file: Path
