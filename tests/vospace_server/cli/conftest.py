"""The real program in a real process, as an operator types it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_READY = re.compile(r"^ready at (https?://\S+)/vault \(stop it with Ctrl-C or kill (\d+)\)$")

Program = Callable[..., subprocess.CompletedProcess[str]]


def environment(**variables: str) -> dict[str, str]:
    """The machine's environment without settings of ours, and with these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VOSPACE_", "VOFS_"))}
    return {**kept, **variables}


def run_program(
    *words: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs `vospace-server WORDS…` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "vospace_server", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(**variables),
    )


class Serving:
    """A server that has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.introduction = process.stdout.readline().rstrip()
        ready = _READY.match(process.stdout.readline().rstrip())
        assert ready is not None, process.communicate(timeout=10)
        self.url = ready[1]
        self.pid = int(ready[2])

    def stop(self, number: int = signal.SIGTERM) -> tuple[str, str]:
        """Sends a signal; all else that it prints."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)


@contextmanager
def serving(data_dir: Path, *words: str, **variables: str) -> Iterator[Serving]:
    command = [sys.executable, "-m", "vospace_server", "serve", "--data-dir", str(data_dir)]
    process = subprocess.Popen(
        [*command, "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    try:
        yield Serving(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "space"


@pytest.fixture
def program(data_dir: Path) -> Program:
    """Runs a command on the data directory of this test."""

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run_program(*words, "--data-dir", str(data_dir), stdin=stdin)

    return run


@pytest.fixture
def furnished(program: Program) -> Program:
    """The same, with the user ann (password `secret-12`) and her group g1."""
    done = program("user", "add", "ann", "--password-stdin", stdin="secret-12\n")
    assert done.returncode == 0, done.stderr
    done = program("group", "add", "g1", "--owner", "ann")
    assert done.returncode == 0, done.stderr
    return program
