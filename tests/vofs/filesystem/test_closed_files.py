"""Files that were closed with `-o writeback`: what their journals prove after any end."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.vofs.filesystem.spool_support import MemoryServer
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.filesystem.group_sync import GroupSync
from vofs.filesystem.spool import ClosingBroken, Orphan, Spool
from vofs.filesystem.spool_journal import read_journal
from vofs.filesystem.writable_file import WritableFile
from vofs.filesystem.write_back import WriteBack, write_back_of
from vofs.filesystem.write_back_state import WriteBackConfig
from vofs.filesystem.writers import Writers
from vospace_model.api import AttributeChange
from vospace_model.faults import QuotaExceeded

PATH = "/durand/f"
DATA = os.urandom(300_000)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[BlockCache]:
    made = BlockCache(CacheConfig(directory=tmp_path / "cache", free_disk_bytes=0))
    yield made
    made.close()


@pytest.fixture
def spool(cache: BlockCache) -> Iterator[Spool]:
    made = Spool(directory=cache.spool_directory, service="s", cache=cache)
    yield made
    made.close()


@pytest.fixture
def server(cache: BlockCache) -> MemoryServer:
    return MemoryServer(cache)


def closed(spool: Spool, server: MemoryServer, data: bytes = DATA) -> WritableFile:
    """A new file that was written and closed."""
    file = WritableFile(path=PATH, base=None, spool=spool, uploader=server)
    file.write(data, 0)
    assert file.accept(5)
    return file


def killed(file: WritableFile) -> None:
    """What a kill does: locks are gone, nothing is told."""
    superseded = list(file._spool._superseded.values())
    file._spool._superseded.clear()
    for changes in (file._changes, file._waiting, *superseded):
        if changes is not None:
            changes.close()
    file._changes = file._waiting = None


def content_of(file: WritableFile) -> bytes:
    buffer = memoryview(bytearray(file.length + 1))
    return bytes(buffer[: file.read_into(buffer, 0)])


def resumed(orphan: Orphan, spool: Spool, server: MemoryServer) -> WritableFile:
    return WritableFile.resume_accepted(orphan, spool=spool, uploader=server)


def test_a_closed_file_is_resumed_and_sent(spool: Spool, server: MemoryServer) -> None:
    file = closed(spool, server)
    file.note_attributes(AttributeChange(public=True))
    killed(file)
    (orphan,) = spool.orphans()
    assert orphan.closed_ns is not None
    assert orphan.attributes == AttributeChange(public=True)
    again = resumed(orphan, spool, server)
    assert content_of(again) == DATA
    again.send_accepted()
    assert server.data(PATH) == DATA
    assert server.requests[0].mtime_ns == 5
    again.close()
    assert spool.orphans() == []


def test_what_was_changed_after_the_close_is_another_file(
    spool: Spool, server: MemoryServer
) -> None:
    file = closed(spool, server)
    file.write(b"changed", 0)
    killed(file)
    first, second = spool.orphans()
    assert first.closed_ns is not None
    assert second.closed_ns is None
    assert content_of(resumed(first, spool, server)) == DATA


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:0],
        lambda data: bytes(len(data)),
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
    ],
    ids=["shorter", "empty", "zeros", "one bit"],
)
def test_bytes_that_never_reached_the_disk_are_not_sent_but_named(
    spool: Spool, server: MemoryServer, damage: object
) -> None:
    assert callable(damage)
    file = closed(spool, server)
    (data_path, _) = file.spool_paths()
    killed(file)
    data_path.write_bytes(damage(DATA))
    (orphan,) = spool.orphans()
    with pytest.raises(ClosingBroken, match="not those that were closed"):
        resumed(orphan, spool, server)
    (orphan,) = spool.orphans()
    assert "not those that were closed" in (orphan.reason or "")
    spool.discard_orphan(orphan)
    assert spool.orphans() == []


@pytest.mark.parametrize(
    "line",
    [b"c 5", b"c 5 0\n", b"c -1 0 0\n", b"c x y z\n", b"c 1 2 3 4\n", b"a 5\n", b"a {\n"],
)
def test_a_torn_line_closes_nothing(spool: Spool, line: bytes) -> None:
    file = spool.begin(PATH, None)
    file.write(b"12345", 0)
    file.close()
    with file.journal_path.open("ab") as journal:
        journal.write(line)
    (orphan,) = spool.orphans()
    assert (orphan.closed_ns, orphan.length) == (None, 5)


def test_a_line_that_claims_too_much_is_not_believed(
    spool: Spool, server: MemoryServer
) -> None:
    file = spool.begin(PATH, None)
    file.write(b"12345", 0)
    file.close()
    with file.journal_path.open("ab") as journal:
        journal.write(b"w 0 999999999999999999\nc 999999999999999999 0 1\n")
    (orphan,) = spool.orphans()
    with pytest.raises(ClosingBroken):
        resumed(orphan, spool, server)


def test_what_else_lies_in_the_folder_does_no_harm(spool: Spool, server: MemoryServer) -> None:
    folder = spool.directory
    (folder / "folder.journal").mkdir()
    os.mkfifo(folder / "fifo.journal")
    (folder / "nowhere.journal").symlink_to("/nowhere")
    (folder / "noise.journal").write_bytes(os.urandom(5000))
    (folder / "stray.data").write_bytes(b"x")
    file = closed(spool, server)
    killed(file)
    found = [orphan for orphan in spool.orphans() if orphan.closed_ns is not None]
    assert [orphan.path for orphan in found] == [PATH]


def test_a_rename_makes_the_renamed_the_one_that_counts(
    spool: Spool, server: MemoryServer
) -> None:
    renamed = closed(spool, server, b"renamed")
    target = closed(spool, server, b"target")
    renamed.rename(PATH + "2", replaces="content-of-target")
    killed(renamed)
    killed(target)
    latest = max(spool.orphans(), key=lambda orphan: orphan.closed_ns or 0)
    assert latest.path == PATH + "2"
    assert latest.base_content_id == "content-of-target"
    assert content_of(resumed(latest, spool, server)) == b"renamed"


def test_the_journal_follows_the_version_on_the_server(
    spool: Spool, server: MemoryServer
) -> None:
    file = closed(spool, server)
    server.may_answer.clear()
    sending = threading.Thread(target=file.send_accepted)
    sending.start()
    assert server.has_begun.wait(10)
    file.write(b"second", 0)
    assert file.accept(6)
    server.may_answer.set()
    sending.join(10)
    _, journal = file.spool_paths()
    story = read_journal(journal.read_bytes())
    assert story is not None
    assert story.base_content_id == server.entries[PATH].content
    assert content_of(file) == b"second" + DATA[6:]
    file.send_accepted()
    assert server.data(PATH) == b"second" + DATA[6:]


def test_a_refused_file_stays_accepted(spool: Spool, server: MemoryServer) -> None:
    file = closed(spool, server)
    server.failures = [QuotaExceeded("full")]
    with pytest.raises(QuotaExceeded):
        file.send_accepted()
    assert file.has_accepted
    killed(file)
    (orphan,) = spool.orphans()
    assert orphan.closed_ns is not None
    assert orphan.reason == "QuotaExceeded: full"


def test_an_fsync_that_fails_leaves_both_versions(spool: Spool, server: MemoryServer) -> None:
    file = closed(spool, server)
    file.write(b"second", 0)
    server.failures = [ConnectionError("gone")]
    with pytest.raises(ConnectionError):
        file.flush()
    assert content_of(file) == b"second" + DATA[6:]
    assert file.has_accepted
    file.send_accepted()
    assert server.data(PATH) == DATA
    file.flush()
    assert server.data(PATH) == b"second" + DATA[6:]
    assert not file.is_dirty


def test_an_fsync_supersedes_what_was_closed_before(spool: Spool, server: MemoryServer) -> None:
    file = closed(spool, server)
    file.write(b"second", 0)
    file.flush()
    assert not file.is_dirty
    assert [request.length for request in server.requests] == [len(DATA)]
    assert server.data(PATH) == b"second" + DATA[6:]
    file.close()
    assert spool.orphans() == []


def test_a_removed_file_is_not_resumed(spool: Spool, server: MemoryServer) -> None:
    file = closed(spool, server)
    file.unlink()
    file.send_accepted()
    assert server.requests == []
    killed(file)
    assert spool.orphans() == []


def write_back(spool: Spool) -> WriteBack:
    """A queue that is never started, so nobody of the service is needed."""
    nobody = cast("Any", None)
    writers = Writers(
        client=nobody,
        contents=nobody,
        spool=spool,
        strict=False,
        on_uploaded=nobody,
        on_resent=nobody,
    )
    return write_back_of(WriteBackConfig(enabled=True), nobody, writers, spool)


@pytest.mark.logs("not those that were closed")
def test_an_earlier_version_is_kept_until_the_later_is_on_the_disk(
    spool: Spool, server: MemoryServer
) -> None:
    file = closed(spool, server, b"earlier")
    file.write(b"LATER!!", 0)
    file.accept(6)
    (later, _) = file.spool_paths()
    killed(file)
    assert len(spool.orphans()) == 2
    later.write_bytes(b"")
    queue = write_back(spool)
    assert queue.resume(lambda _orphan: True, "durand") == 1
    assert queue.report().bytes == len(b"earlier")
    (orphan,) = spool.orphans()
    assert "not those that were closed" in (orphan.reason or "")


def test_the_later_of_two_closed_versions_is_resumed(
    spool: Spool, server: MemoryServer
) -> None:
    file = closed(spool, server, b"earlier")
    file.write(b" and later", 7)
    file.accept(6)
    killed(file)
    queue = write_back(spool)
    assert queue.resume(lambda _orphan: True, "durand") == 1
    assert queue.report().bytes == len(b"earlier and later")
    assert spool.orphans() == []


def test_an_earlier_version_goes_when_the_later_is_on_the_disk(
    spool: Spool, server: MemoryServer
) -> None:
    file = closed(spool, server, b"earlier")
    file.write(b"LATER!!", 0)
    file.accept(6)
    spool.release(file.spool_paths()[0])
    killed(file)
    (orphan,) = spool.orphans()
    assert content_of(resumed(orphan, spool, server)) == b"LATER!!"


@pytest.mark.parametrize("how", ["unlink", "send"])
def test_an_earlier_version_does_not_come_back(
    spool: Spool, server: MemoryServer, how: str
) -> None:
    file = closed(spool, server, b"earlier")
    file.write(b"LATER!!", 0)
    file.accept(6)
    file.unlink() if how == "unlink" else file.send_accepted()
    killed(file)
    assert spool.orphans() == []


@pytest.mark.parametrize("count", [1, 3, 30])
def test_a_sync_covers_all_that_was_added(tmp_path: Path, count: int) -> None:
    synced: list[Path] = []
    sync = GroupSync(tmp_path, pause_seconds=0.0, on_synced=synced.append)
    files = [tmp_path / str(number) for number in range(count)]
    for file in files[1:]:
        file.write_bytes(b"x")
    # The first is gone, as one that was sent meanwhile.
    tickets = [sync.add(file) for file in files]
    sync.wait(tickets[-1])
    sync.wait(sync.add())
    sync.wait(sync.add(tmp_path / "last"))
    assert synced[:count] == files


@pytest.mark.logs("can't be synced")
def test_a_sync_that_fails_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "removed"
    synced: list[Path] = []
    sync = GroupSync(folder, pause_seconds=0.0, on_synced=synced.append)
    files = [folder / str(number) for number in range(30)]
    lost = sync.add(*files)
    with pytest.raises(FileNotFoundError):
        sync.wait(lost)
    assert synced == []
    folder.mkdir()
    sync.wait(sync.add(folder / "f"))
    # A later sync says nothing about what failed before.
    with pytest.raises(FileNotFoundError):
        sync.wait(lost)
