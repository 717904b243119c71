import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import (
    ProgramFailed,
    finish,
    is_mounted,
    resident_mib,
    running,
    wait_until_listening,
)


def test_a_running_program_is_ended_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "child"
    script = f"sleep 60 & echo $! > {pid_file}; wait"

    with running(["bash", "-c", script], log=tmp_path / "log"):
        while not pid_file.exists() or not pid_file.read_text().strip():
            time.sleep(0.01)
        child = int(pid_file.read_text())

    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{child}/cmdline").exists()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with (
        running(["bash", "-c", "echo the port is taken; exit 1"], log=log) as process,
        pytest.raises(ProgramFailed, match="bash does not listen: the port is taken"),
    ):
        wait_until_listening(process, 9, log)


def test_a_program_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(ProgramFailed, match="> 0 s"):
        finish(["sleep", "30"], timeout_seconds=0.2)


def test_a_program_that_fails_is_reported_by_its_last_line_of_errors() -> None:
    with pytest.raises(ProgramFailed, match="no such thing"):
        finish(["bash", "-c", "echo no such thing >&2; exit 3"], timeout_seconds=10)


def test_resident_memory_is_the_largest_that_a_process_had(tmp_path: Path) -> None:
    script = 'block = b"x" * 80_000_000; del block; print(1, flush=True); input()'
    log = tmp_path / "log"

    keeping_input_open = f"sleep 60 | {sys.executable} -c '{script}'"
    with running(["bash", "-c", keeping_input_open], log=log) as process:
        while not log.read_text():
            time.sleep(0.01)
        resident = resident_mib(process.pid)

    assert 76 < resident < 120


def test_the_root_is_mounted_and_a_plain_folder_is_not(tmp_path: Path) -> None:
    assert is_mounted(Path("/proc"))
    assert not is_mounted(tmp_path)
