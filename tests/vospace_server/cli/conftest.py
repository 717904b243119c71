"""The real program in a real process, as an operator types it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
