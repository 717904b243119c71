"""What is left in the spool of crashes and full disks, and what is made of it."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vofs.filesystem.spool_support import MemoryServer
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.client.errors import ContentChanged
from vofs.filesystem.spool import OrphanInUse, Spool
from vofs.filesystem.writable_file import WritableFile

MIB = 1024 * 1024
PATH = "/killed.fits"


def make_cache(directory: Path) -> BlockCache:
    return BlockCache(CacheConfig(directory=directory, free_disk_bytes=0))


def make_spool(cache: BlockCache) -> Spool:
    return Spool(directory=cache.spool_directory, service="s", cache=cache)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[BlockCache]:
    made = make_cache(tmp_path / "cache")
    yield made
    made.close()


@pytest.fixture
def spool(cache: BlockCache) -> Spool:
    return make_spool(cache)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def start_worker(directory: Path, seed: int) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.vofs.filesystem.spool_worker", str(directory), str(seed)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def read_whole(file: WritableFile) -> bytes:
    buffer = memoryview(bytearray(file.length))
    assert file.read_into(buffer, 0) == len(buffer)
    return bytes(buffer)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_every_finished_write(
    cache: BlockCache, spool: Spool, seed: int
) -> None:
    worker = start_worker(cache.spool_directory.parent, seed)
    assert spool.orphans() == []
    time.sleep(random.Random(seed).random() * 0.3)
    worker.send_signal(signal.SIGKILL)
    told, _ = worker.communicate(timeout=10)
    expected = bytearray()
    # What the pipe lost of the last line was finished, too, but nobody was told.
    for line in told.splitlines()[:-1]:
        offset, size, filler = map(int, line.split())
        expected.extend(bytes(max(0, offset + size - len(expected))))
        expected[offset : offset + size] = bytes([filler]) * size
    (orphan,) = spool.orphans()
    assert orphan.path == PATH
    assert orphan.length >= len(expected)
    server = MemoryServer(cache)
    file = WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    found = read_whole(file)
    differing = sum(a != b for a, b in zip(found, expected, strict=False))
    assert differing <= 2 * 50_000
    assert len(found) >= len(expected)
    file.flush()
    file.close()
    assert server.data(PATH) == found
    assert spool.orphans() == []


def test_an_orphan_of_another_process_that_runs_is_not_one(
    cache: BlockCache, spool: Spool
) -> None:
    worker = start_worker(cache.spool_directory.parent, 0)
    try:
        assert spool.orphans() == []
    finally:
        worker.kill()
        worker.communicate(timeout=10)
    assert len(spool.orphans()) == 1


def leave(spool: Spool, data: bytes = b"left behind") -> Path:
    """What a process leaves that dies after a write."""
    file = spool.begin(PATH, None)
    file.write(data, 0)
    file.close()
    return file.journal_path


@pytest.mark.parametrize(
    "tail", [b"w 5", b"w x y\n", b"?\nw 0 5\n", b"\x00" * 100, b"t\n", b"w 1 2 3\n"]
)
def test_a_torn_journal_tells_what_came_before(spool: Spool, tail: bytes) -> None:
    journal = leave(spool)
    with journal.open("ab") as file:
        file.write(tail)
    (orphan,) = spool.orphans()
    assert (orphan.path, orphan.length) == (PATH, 11)
    again = spool.reopen(orphan)
    again.write(b"more", 11)
    again.close()
    (orphan,) = spool.orphans()
    assert (orphan.path, orphan.length) == (PATH, 15)


@pytest.mark.parametrize(
    "head", [b"garbage\n", b"{}\n", b'{"format": 99}\n', b"\x00\x00\n", b"null\n"]
)
def test_a_journal_that_cannot_be_read_is_named_and_can_be_discarded(
    spool: Spool, head: bytes
) -> None:
    journal = leave(spool)
    journal.write_bytes(head)
    (orphan,) = spool.orphans()
    assert (orphan.path, orphan.reason) == ("", "its journal can't be read")
    spool.discard_orphan(orphan)
    assert list(journal.parent.iterdir()) == []


def test_an_orphan_without_data_still_has_its_length(cache: BlockCache, spool: Spool) -> None:
    journal = leave(spool)
    journal.with_suffix(".data").unlink()
    (orphan,) = spool.orphans()
    server = MemoryServer(cache)
    file = WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    assert read_whole(file) == bytes(11)
    file.unlink()
    file.close()


def test_what_the_server_has_already_is_no_orphan(spool: Spool) -> None:
    journal = leave(spool)
    with journal.open("ab") as file:
        file.write(b'u "some content"\n')
    assert spool.orphans() == []
    assert list(journal.parent.iterdir()) == []


def test_empty_files_of_a_dead_process_go_and_young_ones_stay(spool: Spool) -> None:
    old, young = spool._directory / "1-1", spool._directory / "2-2"
    for stem in (old, young):
        Path(f"{stem}.journal").touch()
        Path(f"{stem}.data").touch()
    os.utime(f"{old}.journal", (1, 1))
    assert spool.orphans() == []
    assert {path.stem for path in spool._directory.iterdir()} == {"2-2"}


def test_an_orphan_can_be_taken_once(cache: BlockCache, spool: Spool) -> None:
    leave(spool)
    (orphan,) = spool.orphans()
    server = MemoryServer(cache)
    first = WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    with pytest.raises(OrphanInUse):
        WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    with pytest.raises(OrphanInUse):
        spool.discard_orphan(orphan)
    first.flush()
    first.close()
    with pytest.raises(OrphanInUse):
        spool.discard_orphan(orphan)


def test_an_orphan_goes_under_its_last_name_and_time(cache: BlockCache, spool: Spool) -> None:
    server = MemoryServer(cache)
    file = WritableFile(path="/old", base=None, spool=spool, uploader=server)
    file.write(b"content", 0)
    assert file.set_mtime(77)
    file.rename("/new name\n")
    server.failures = [ConnectionError("gone")]
    with pytest.raises(ConnectionError):
        file.flush()
    file.close()
    (orphan,) = spool.orphans()
    assert (orphan.path, orphan.mtime_ns) == ("/new name\n", 77)
    again = WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    again.flush()
    again.close()
    assert server.entries["/new name\n"].mtime_ns == 77


def test_changes_of_a_version_that_was_replaced_are_sent_as_a_new_file(
    cache: BlockCache, spool: Spool
) -> None:
    server = MemoryServer(cache)
    base = server.put(PATH, b"x" * 1000)
    file = WritableFile(path=PATH, base=base, spool=spool, uploader=server)
    file.truncate(0)
    file.write(b"all new", 0)
    server.failures = [ConnectionError("gone")]
    with pytest.raises(ConnectionError):
        file.flush()
    file.close()
    newer = server.put(PATH, b"of somebody else")
    (orphan,) = spool.orphans()
    again = WritableFile.resume(orphan, base=newer, spool=spool, uploader=server)
    again.flush()
    again.close()
    assert server.requests[-1].base_content_id is None


def test_changes_that_need_a_version_that_was_replaced_are_refused(
    cache: BlockCache, spool: Spool
) -> None:
    server = MemoryServer(cache)
    base = server.put(PATH, b"x" * 1000)
    file = WritableFile(path=PATH, base=base, spool=spool, uploader=server)
    file.write(b"y", 5)
    server.failures = [ConnectionError("gone")]
    server.is_down = True
    with pytest.raises(ConnectionError):
        file.flush()
    file.close()
    (orphan,) = spool.orphans()
    newer = server.put(PATH, b"of somebody else")
    with pytest.raises(ContentChanged):
        WritableFile.resume(orphan, base=newer, spool=spool, uploader=server)
    assert spool.orphans() == [orphan]


def append_noise(file: WritableFile, written: bytearray, length: int) -> None:
    while len(written) < length:
        data = os.urandom(100_000)
        done = file.write(data, len(written))
        written += data[:done]


@pytest.mark.mounted
@pytest.mark.logs("reading without")
def test_a_full_disk_is_told_at_write_and_loses_nothing_before(tiny_disk: Path) -> None:
    cache = make_cache(tiny_disk / "cache")
    spool = make_spool(cache)
    server = MemoryServer(cache)
    file = WritableFile(path=PATH, base=None, spool=spool, uploader=server)
    written = bytearray()
    with pytest.raises(OSError, match="No space left") as refusal:
        append_noise(file, written, 8 * MIB)
    assert refusal.value.errno == errno.ENOSPC
    assert len(written) > MIB
    assert read_whole(file)[: len(written)] == written
    file.truncate(len(written))
    file.flush()
    file.close()
    assert server.data(PATH) == written
    small = WritableFile(path="/small", base=None, spool=spool, uploader=server)
    small.write(b"fits again", 0)
    small.flush()
    small.close()
    assert server.data("/small") == b"fits again"
    spool.close()
    cache.close()


@pytest.mark.mounted
def test_a_write_takes_the_room_of_the_cache(tiny_disk: Path) -> None:
    cache = make_cache(tiny_disk / "cache")
    spool = make_spool(cache)
    for number in range(3):
        cache.put_whole(f"c{number}", os.urandom(MIB), None)
    server = MemoryServer(cache)
    file = WritableFile(path=PATH, base=None, spool=spool, uploader=server)
    data = os.urandom(3 * MIB)
    done = 0
    while done < len(data):
        done += file.write(data[done : done + 131072], done)
    assert read_whole(file) == data
    file.flush()
    file.close()
    assert server.data(PATH) == data
    spool.close()
    cache.close()


def test_a_journal_is_one_line_of_json_and_one_line_per_change(spool: Spool) -> None:
    journal = leave(spool)
    head, *changes = journal.read_text().splitlines()
    values = json.loads(head)
    assert values["path"] == PATH
    assert values["service"] == "s"
    assert changes == ["w 0 11"]


def test_many_threads_write_many_files(cache: BlockCache, spool: Spool) -> None:
    server = MemoryServer(cache)

    def work(number: int) -> None:
        for at in range(10):
            file = WritableFile(path=f"/{number}-{at}", base=None, spool=spool, uploader=server)
            file.write(b"%d-%d" % (number, at), 0)
            file.flush()
            file.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(server.entries) == 80
    assert all(server.data(path) == path[1:].encode() for path in server.entries)
    spool.close()
    assert list(spool._directory.iterdir()) == []
