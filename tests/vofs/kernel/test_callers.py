"""Who calls, and by which system call, as /proc tells it of real threads."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vofs.filesystem.removals import Purpose
from vofs.kernel.callers import UNKNOWN, Callers, is_running


def test_process_of_a_thread_is_found() -> None:
    seen: list[int] = []
    thread = threading.Thread(
        target=lambda: seen.append(Callers(threading.get_native_id).process())
    )
    thread.start()
    thread.join()
    assert seen == [os.getpid()]


def test_thread_that_is_gone_or_hidden_is_unknown() -> None:
    assert Callers(lambda: 0).process() == UNKNOWN
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    assert Callers(lambda: process.pid).process() == UNKNOWN
    assert Callers(lambda: process.pid).purpose_of_hiding() is Purpose.UNKNOWN
    assert not is_running(process.pid)
    assert is_running(os.getpid())


@contextmanager
def _waiting() -> Iterator[int]:
    """A process that is in a system call which neither removes nor renames."""
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            time.sleep(0.1)
            yield process.pid
        finally:
            process.kill()


def test_other_system_calls_are_no_purpose() -> None:
    with _waiting() as pid:
        assert Callers(lambda: pid).purpose_of_hiding() is Purpose.UNKNOWN


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        (b"87 0x1 0x2", Purpose.REMOVE),
        (b"263 0x1", Purpose.REMOVE),
        (b"82 0x1", Purpose.REPLACE),
        (b"264 0x1", Purpose.REPLACE),
        (b"316 0x1", Purpose.REPLACE),
        (b"running", Purpose.UNKNOWN),
        (b"-1 0x7ffd 0x7f", Purpose.UNKNOWN),
        (b"", Purpose.UNKNOWN),
    ],
)
def test_numbers_of_system_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, purpose: Purpose
) -> None:
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "syscall").write_bytes(text)
    monkeypatch.setattr("vofs.kernel.callers._PROC", tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert Callers(lambda: 17).purpose_of_hiding() is purpose
