"""Several processes on one directory, and processes that are killed at any moment."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.vofs.cache.conftest import CacheMaker, read_all
from tests.vofs.cache.sources import CountedSource, some_bytes
from vofs.cache.block_cache import BlockCache

MIB = 1024 * 1024
LENGTH = 3 * MIB + 99


def start(
    directory: Path, *, contents: int = 1, length: int = LENGTH, mode: str, seed: int = 0
) -> subprocess.Popen[str]:
    arguments = [str(directory), str(contents), str(length), mode, str(seed)]
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.vofs.cache.cache_worker", *arguments],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def finish(worker: subprocess.Popen[str]) -> None:
    output, _ = worker.communicate(timeout=60)
    assert (worker.returncode, output) == (0, "")


def kill(worker: subprocess.Popen[str]) -> None:
    assert worker.poll() is None, worker.communicate()
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=10)


def wire_bytes(directory: Path) -> int:
    lines = (directory.parent / "wire").read_text().splitlines()
    return sum(int(stop) - int(begin) for begin, stop in (line.split() for line in lines))


def check_everything(cache: BlockCache, contents: int, length: int) -> None:
    for number in range(contents):
        data = some_bytes(length, seed=number)
        content = cache.open(f"content-{number}", length, None)
        assert read_all(content, CountedSource(data)) == data
        content.close()


@pytest.mark.parametrize("length", [20 * MIB + 5, 60_000])
def test_eight_processes_read_one_cold_content_for_its_bytes_once(
    tmp_path: Path, length: int
) -> None:
    directory = tmp_path / "cache"
    workers = [start(directory, length=length, mode="stream") for _ in range(8)]
    for worker in workers:
        finish(worker)
    assert wire_bytes(directory) == length


def test_a_process_killed_while_it_fetches_does_not_block_the_others(
    tmp_path: Path, make_cache: CacheMaker
) -> None:
    directory = tmp_path / "cache"
    worker = start(directory, length=40 * MIB, mode="stream")
    time.sleep(0.1)
    kill(worker)
    cache = make_cache(read_seconds=10.0)
    began = time.monotonic()
    check_everything(cache, 1, 40 * MIB)
    assert time.monotonic() - began < 10


def test_a_process_that_is_stopped_while_it_fetches_costs_patience_and_no_read(
    tmp_path: Path, make_cache: CacheMaker
) -> None:
    directory = tmp_path / "cache"
    worker = start(directory, length=40 * MIB, mode="stream")
    time.sleep(0.05)
    worker.send_signal(signal.SIGSTOP)
    try:
        cache = make_cache(patience_seconds=0.05)
        began = time.monotonic()
        check_everything(cache, 1, 40 * MIB)
        assert time.monotonic() - began < 20
    finally:
        kill(worker)


@pytest.mark.logs("is fetched again")  # what a kill leaves half is found, and said
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_moments_leave_no_wrong_byte(
    tmp_path: Path, make_cache: CacheMaker, seed: int
) -> None:
    directory = tmp_path / "cache"
    chooser = random.Random(seed)
    for round_number in range(4):
        workers = [
            start(
                directory, contents=3, mode="random", seed=seed * 100 + round_number * 10 + at
            )
            for at in range(2)
        ]
        for worker in workers:
            time.sleep(chooser.random() * 0.4)
            kill(worker)
    began = time.monotonic()
    cache = make_cache()
    check_everything(cache, 3, LENGTH)
    assert time.monotonic() - began < 5


def test_processes_that_evict_what_others_read_never_give_a_wrong_byte(
    tmp_path: Path,
) -> None:
    workers = [
        start(tmp_path / "cache", contents=2, length=9 * MIB, mode="random", seed=at)
        for at in range(4)
    ]
    time.sleep(3)
    for worker in workers:
        kill(worker)
