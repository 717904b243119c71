"""Cache disks that are full, read-only, broken or hanging: reads go on without them."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vofs.cache.conftest import CacheMaker, read_all
from tests.vofs.cache.sources import CountedSource, some_bytes

pytestmark = [
    pytest.mark.mounted,
    pytest.mark.logs("reading without"),
    pytest.mark.logs("fetched again"),
    pytest.mark.logs("housekeeping failed"),
]

MIB = 1024 * 1024
LARGE = some_bytes(6 * MIB + 77, seed=1)
SMALL = some_bytes(40_000, seed=2)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class FaultyMount:
    """A running faulty_disk.py."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process
        self._fault = folder.parent / "fault"

    def fail(self, kind: str, code: int) -> None:
        self._fault.write_text(f"{kind} {code}", encoding="ascii")

    def repair(self) -> None:
        self._fault.unlink()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyMount]:
    """A disk that fails when told to."""
    folder, backing = tmp_path / "disk", tmp_path / "backing"
    folder.mkdir()
    backing.mkdir()
    script = Path(__file__).with_name("faulty_disk.py")
    process = subprocess.Popen([sys.executable, str(script), str(backing), str(folder)])
    end = time.monotonic() + 20
    while not folder.is_mount():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    try:
        yield FaultyMount(folder, process)
    finally:
        process.send_signal(signal.SIGCONT)
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=True)
        process.kill()
        process.wait(20)


def check(make_cache: CacheMaker, directory: Path, **settings: object) -> None:
    """Read everything twice, and through a cache that comes after."""
    cache = make_cache(directory=directory, **settings)
    for content_id, data in (("large", LARGE), ("small", SMALL)) * 2:
        content = cache.open(content_id, len(data), None)
        assert read_all(content, CountedSource(data)) == data
        content.close()


def test_a_disk_that_is_full_of_other_things_costs_hits_and_no_read(
    make_cache: CacheMaker, tiny_disk: Path
) -> None:
    make_cache(directory=tiny_disk / "cache").close()
    (tiny_disk / "other").write_bytes(bytes(8 * MIB - 512 * 1024))
    check(make_cache, tiny_disk / "cache")


def test_a_disk_that_becomes_full_costs_hits_and_no_read(
    make_cache: CacheMaker, tiny_disk: Path
) -> None:
    cache = make_cache(directory=tiny_disk / "cache")
    content = cache.open("large", len(LARGE), None)
    source = CountedSource(LARGE)
    buffer = memoryview(bytearray(131072))
    content.read_into(buffer, 0, source)
    free = os.statvfs(tiny_disk).f_bavail * os.statvfs(tiny_disk).f_frsize
    (tiny_disk / "other").write_bytes(bytes(free - 8192))
    assert read_all(content, source) == LARGE
    content.close()
    (tiny_disk / "other").unlink()
    check(make_cache, tiny_disk / "cache")


def test_the_cache_keeps_what_the_disk_must_have_free(
    make_cache: CacheMaker, tiny_disk: Path
) -> None:
    check(make_cache, tiny_disk / "cache", free_disk_bytes=4 * MIB)
    status = os.statvfs(tiny_disk)
    assert status.f_bavail * status.f_frsize >= 3.9 * MIB


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_refuses_writes_costs_hits_and_no_read(
    make_cache: CacheMaker, faulty: FaultyMount, code: int
) -> None:
    cache = make_cache(directory=faulty.folder / "cache")
    content = cache.open("large", len(LARGE), None)
    source = CountedSource(LARGE)
    content.read_into(memoryview(bytearray(4096)), 0, source)
    faulty.fail("writes", code)
    assert read_all(content, source) == LARGE
    content.close()
    small = cache.open("small", len(SMALL), None)
    assert read_all(small, CountedSource(SMALL)) == SMALL
    small.close()
    assert cache.statistics().is_degraded
    faulty.repair()
    check(make_cache, faulty.folder / "cache")


def test_a_disk_that_refuses_everything_costs_hits_and_no_read(
    make_cache: CacheMaker, faulty: FaultyMount
) -> None:
    cache = make_cache(directory=faulty.folder / "cache")
    content = cache.open("large", len(LARGE), None)
    source = CountedSource(LARGE)
    assert read_all(content, source) == LARGE
    faulty.fail("all", errno.EIO)
    Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    assert read_all(content, source) == LARGE
    small = cache.open("small", len(SMALL), None)
    assert read_all(small, CountedSource(SMALL)) == SMALL
    faulty.repair()
    content.close()
    small.close()
    check(make_cache, faulty.folder / "cache")


def test_a_disk_that_hangs_costs_hits_and_no_read(
    make_cache: CacheMaker, faulty: FaultyMount
) -> None:
    cache = make_cache(directory=faulty.folder / "cache")
    content = cache.open("large", len(LARGE), None)
    source = CountedSource(LARGE)
    content.read_into(memoryview(bytearray(4096)), 0, source)
    faulty.hang()
    began = time.monotonic()
    assert read_all(content, source) == LARGE
    small = cache.open("small", len(SMALL), None)
    assert read_all(small, CountedSource(SMALL)) == SMALL
    assert not cache.has("large", len(LARGE))
    assert time.monotonic() - began < 10
    faulty.go_on()
    small.close()
    content.close()
    end = time.monotonic() + 10
    while cache.statistics().is_degraded:
        assert time.monotonic() < end
        time.sleep(0.05)
    check(make_cache, faulty.folder / "cache")
