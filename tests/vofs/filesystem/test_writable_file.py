"""What a program sees of a file that it writes, and what the server gets."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vofs.filesystem.spool_support import MemoryServer
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.client.errors import ContentChanged
from vofs.filesystem.spool import Spool
from vofs.filesystem.writable_file import WritableFile
from vospace_model.faults import QuotaExceeded

MIB = 1024 * 1024
BASE = os.urandom(3 * MIB + 77)
PATH = "/a/b.fits"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[BlockCache]:
    made = BlockCache(CacheConfig(directory=tmp_path / "cache", free_disk_bytes=0))
    yield made
    made.close()


@pytest.fixture
def server(cache: BlockCache) -> MemoryServer:
    return MemoryServer(cache)


@pytest.fixture
def spool(cache: BlockCache) -> Iterator[Spool]:
    made = Spool(directory=cache.spool_directory, service="ivo://localhost/vault", cache=cache)
    yield made
    made.close()


def create(spool: Spool, server: MemoryServer) -> WritableFile:
    return WritableFile(path=PATH, base=None, spool=spool, uploader=server)


def change(spool: Spool, server: MemoryServer, data: bytes = BASE) -> WritableFile:
    entry = server.put(PATH, data)
    return WritableFile(path=PATH, base=entry, spool=spool, uploader=server)


def content_of(file: WritableFile) -> bytes:
    buffer = memoryview(bytearray(file.length + 10))
    return bytes(buffer[: file.read_into(buffer, 0)])


def files_in(spool: Spool) -> list[str]:
    spool.close()
    return sorted(path.name for path in spool._directory.iterdir())


def test_a_new_file_is_sent_empty_when_nothing_is_written(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.flush()
    file.close()
    assert server.data(PATH) == b""
    assert server.requests[0].base_content_id is None


def test_what_is_written_is_seen_at_once_and_sent_when_flushed(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    assert file.write(b"hello ", 0) == 6
    assert file.write(b"world", 6) == 5
    assert content_of(file) == b"hello world"
    assert server.requests == []
    file.flush()
    assert server.data(PATH) == b"hello world"
    file.close()
    assert files_in(spool) == []


def test_an_unchanged_file_is_not_sent(spool: Spool, server: MemoryServer) -> None:
    file = change(spool, server)
    assert content_of(file) == BASE
    file.truncate(len(BASE))
    file.flush()
    file.close()
    assert server.requests == []


def test_a_flush_without_news_sends_nothing(spool: Spool, server: MemoryServer) -> None:
    file = create(spool, server)
    file.write(b"1", 0)
    for _ in range(5):
        file.flush()
        file.flush()
    file.close()
    assert len(server.requests) == 1


def test_random_writes_show_over_the_base(spool: Spool, server: MemoryServer) -> None:
    file = change(spool, server)
    expected = bytearray(BASE)
    for offset in (0, 5, 4096, 70_000, len(BASE) - 3):
        file.write(b"abcdef", offset)
        expected[offset : offset + 6] = b"abcdef"
    assert content_of(file) == expected
    file.flush()
    assert server.data(PATH) == expected
    file.close()


def test_a_write_fetches_nothing_and_a_read_only_what_it_reads(
    spool: Spool, server: MemoryServer
) -> None:
    file = change(spool, server)
    file.write(b"x" * 100, 2 * MIB)
    assert server.fetched_bytes == 0
    buffer = memoryview(bytearray(100))
    file.read_into(buffer, 2 * MIB)
    assert bytes(buffer) == b"x" * 100
    assert server.fetched_bytes == 0
    file.read_into(buffer, MIB)
    assert 0 < server.fetched_bytes <= 64 * 1024
    file.unlink()
    file.close()


def test_cutting_to_zero_fetches_nothing(spool: Spool, server: MemoryServer) -> None:
    file = change(spool, server)
    file.truncate(0)
    file.write(b"new", 0)
    file.flush()
    assert server.data(PATH) == b"new"
    assert server.fetched_bytes == 0
    file.close()


def test_what_was_cut_off_stays_gone_when_the_file_grows_again(
    spool: Spool, server: MemoryServer
) -> None:
    file = change(spool, server)
    file.write(b"w" * 1000, 5000)
    file.truncate(5500)
    file.truncate(9000)
    file.write(b"end", 9500)
    expected = BASE[:5000] + b"w" * 500 + bytes(4000) + b"end"
    assert content_of(file) == expected
    file.flush()
    assert server.data(PATH) == expected
    file.close()


def test_appending_keeps_the_rest(spool: Spool, server: MemoryServer) -> None:
    file = change(spool, server)
    file.write(b"one", file.length)
    file.write(b"two", file.length)
    file.flush()
    assert server.data(PATH) == BASE + b"onetwo"
    file.close()


def test_what_was_sent_is_read_again_without_the_server(
    spool: Spool, server: MemoryServer, cache: BlockCache
) -> None:
    for data in (b"small" * 100, os.urandom(2 * MIB + 5)):
        file = create(spool, server)
        file.write(data, 0)
        file.flush()
        server.is_down = True
        assert content_of(file) == data
        file.close()
        entry = server.entries[PATH]
        assert cache.has(entry.content or "", entry.length)
        server.is_down = False
    assert server.fetched_bytes == 0


def test_changes_after_a_flush_are_changes_of_what_was_sent(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"first version", 0)
    file.flush()
    first = server.entries[PATH].content
    file.write(b"FIRST", 0)
    assert content_of(file) == b"FIRST version"
    file.flush()
    assert server.data(PATH) == b"FIRST version"
    assert server.requests[1].base_content_id == first
    file.close()


def test_the_true_fault_is_raised_and_the_changes_stay(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"precious", 0)
    server.failures = [QuotaExceeded("10 bytes are left")]
    with pytest.raises(QuotaExceeded, match="10 bytes"):
        file.flush()
    assert content_of(file) == b"precious"
    assert file.is_dirty
    file.flush()
    assert server.data(PATH) == b"precious"
    file.close()
    assert files_in(spool) == []


def test_what_was_refused_is_an_orphan_after_close_with_the_reason(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"precious", 0)
    assert spool.orphans() == []
    server.failures = [QuotaExceeded("full")]
    with pytest.raises(QuotaExceeded):
        file.flush()
    file.close()
    assert len(server.requests) == 1
    (orphan,) = spool.orphans()
    assert (orphan.path, orphan.length, orphan.changed_bytes) == (PATH, 8, 8)
    assert orphan.reason == "QuotaExceeded: full"
    again = WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    assert spool.orphans() == []
    again.flush()
    again.close()
    assert server.data(PATH) == b"precious"
    assert spool.orphans() == []
    assert files_in(spool) == []


def test_the_last_close_sends_what_no_flush_has_sent(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.acquire()
    file.write(b"late", 0)
    file.close()
    assert server.requests == []
    file.close()
    assert server.data(PATH) == b"late"


@pytest.mark.logs("kept in the spool")
def test_what_the_last_close_cannot_send_is_kept(spool: Spool, server: MemoryServer) -> None:
    file = create(spool, server)
    file.write(b"late", 0)
    server.failures = [ConnectionError("gone")]
    file.close()
    (orphan,) = spool.orphans()
    assert orphan.path == PATH
    spool.discard_orphan(orphan)
    assert spool.orphans() == []


def test_a_removed_file_goes_on_and_is_never_sent(spool: Spool, server: MemoryServer) -> None:
    file = change(spool, server)
    file.write(b"before", 0)
    file.unlink()
    file.write(b"after", 10)
    assert content_of(file)[:20] == b"before" + BASE[6:10] + b"after" + BASE[15:20]
    file.flush()
    file.close()
    assert server.requests == []
    assert spool.orphans() == []
    assert files_in(spool) == []


def test_a_renamed_file_is_sent_to_its_new_path(spool: Spool, server: MemoryServer) -> None:
    file = create(spool, server)
    file.write(b"moved", 0)
    with file.between_flushes():
        file.rename("/a/c.fits")
    file.flush()
    file.close()
    assert server.data("/a/c.fits") == b"moved"
    assert PATH not in server.entries


def test_a_rename_waits_for_the_upload_to_the_old_path(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"moved", 0)
    server.may_answer.clear()
    flushing = threading.Thread(target=file.flush)
    flushing.start()
    assert server.has_begun.wait(10)
    seen: list[list[str]] = []

    def move() -> None:
        with file.between_flushes():
            seen.append(list(server.entries))
            file.rename("/a/c.fits")

    moving = threading.Thread(target=move)
    moving.start()
    moving.join(0.1)
    assert moving.is_alive()
    server.may_answer.set()
    flushing.join(10)
    moving.join(10)
    assert seen == [[PATH]]
    file.close()


def test_the_time_goes_with_the_changes_until_the_next_change(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"1", 0)
    assert file.set_mtime(123_456_789)
    file.flush()
    assert not file.set_mtime(5)
    file.write(b"2", 0)
    file.flush()
    file.close()
    assert [request.mtime_ns for request in server.requests] == [123_456_789, None]


def test_writes_during_a_flush_do_not_wait_and_are_sent_by_the_next(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"a" * 300_000, 0)
    server.may_answer.clear()
    flushing = threading.Thread(target=file.flush)
    flushing.start()
    assert server.has_begun.wait(10)
    file.write(b"b" * 10, 100_000)
    file.truncate(200_000)
    expected = b"a" * 100_000 + b"b" * 10 + b"a" * 99_990
    assert content_of(file) == expected
    server.may_answer.set()
    flushing.join(10)
    assert server.data(PATH) == b"a" * 300_000
    assert content_of(file) == expected
    file.flush()
    assert server.data(PATH) == expected
    file.close()


def test_a_refused_flush_with_newer_writes_leaves_the_newer_state(
    spool: Spool, server: MemoryServer
) -> None:
    file = create(spool, server)
    file.write(b"old old", 0)
    server.may_answer.clear()
    server.failures = [ConnectionError("gone")]
    failed: list[BaseException] = []

    def flush() -> None:
        try:
            file.flush()
        except ConnectionError as error:
            failed.append(error)

    flushing = threading.Thread(target=flush)
    flushing.start()
    assert server.has_begun.wait(10)
    file.write(b"new", 0)
    server.may_answer.set()
    flushing.join(10)
    assert len(failed) == 1
    assert content_of(file) == b"new old"
    file.flush()
    assert server.data(PATH) == b"new old"
    file.close()
    assert files_in(spool) == []


def test_flushes_of_two_handles_at_once_send_once(spool: Spool, server: MemoryServer) -> None:
    file = create(spool, server)
    file.acquire()
    file.write(b"shared", 0)
    threads = [threading.Thread(target=file.flush) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(server.requests) == 1
    file.close()
    file.close()


def test_a_base_that_is_gone_refuses_the_flush_and_keeps_the_changes(
    spool: Spool, server: MemoryServer
) -> None:
    file = change(spool, server)
    file.write(b"x", 10)
    server.is_down = True
    with pytest.raises(ConnectionError):
        file.flush()
    file.close()
    (orphan,) = spool.orphans()
    assert orphan.needs_base
    with pytest.raises(ContentChanged):
        WritableFile.resume(orphan, base=None, spool=spool, uploader=server)
    server.is_down = False
    entry = server.entries[PATH]
    again = WritableFile.resume(orphan, base=entry, spool=spool, uploader=server)
    again.flush()
    again.close()
    assert server.data(PATH) == BASE[:10] + b"x" + BASE[11:]


def test_many_small_files_use_the_same_files_in_the_spool(
    spool: Spool, server: MemoryServer
) -> None:
    for number in range(20):
        file = WritableFile(path=f"/{number}", base=None, spool=spool, uploader=server)
        file.write(b"%d" % number, 0)
        file.flush()
        file.close()
    assert len(list(spool._directory.iterdir())) == 2
    assert [server.data(f"/{number}") for number in range(20)] == [
        b"%d" % number for number in range(20)
    ]
