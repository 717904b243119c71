"""Random operations on a writable file and on a bytearray; they never differ."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override

from tests.vofs.filesystem.spool_support import MemoryServer
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.filesystem.spool import Spool
from vofs.filesystem.writable_file import WritableFile
from vospace_model.api import Entry

PATH = "/model.fits"
OFFSETS = st.integers(0, 300_000)
DATA = st.builds(
    lambda size, seed: bytes((seed + at) % 251 for at in range(size)),
    st.integers(0, 5000) | st.integers(100_000, 140_000),
    st.integers(0, 250),
)


class WritableFileModel(RuleBasedStateMachine):
    """The system is a file with its spool, cache and server; the model is `expected`."""

    @initialize(base=st.none() | DATA)
    def open_it(self, base: bytes | None) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.cache = BlockCache(CacheConfig(directory=self.folder, free_disk_bytes=0))
        self.server = MemoryServer(self.cache)
        self.spool = Spool(directory=self.cache.spool_directory, service="s", cache=self.cache)
        entry = self.server.put(PATH, base) if base is not None else None
        self.expected = bytearray(base or b"")
        self.file = self.opened(entry)

    def opened(self, entry: Entry | None) -> WritableFile:
        return WritableFile(path=PATH, base=entry, spool=self.spool, uploader=self.server)

    @rule(offset=OFFSETS, data=DATA)
    def write(self, offset: int, data: bytes) -> None:
        assert self.file.write(data, offset) == len(data)
        if not data:
            return
        self.expected.extend(bytes(max(0, offset - len(self.expected))))
        self.expected[offset : offset + len(data)] = data

    @rule(data=DATA)
    def append(self, data: bytes) -> None:
        if data:
            self.file.write(data, self.file.length)
            self.expected += data

    @rule(length=OFFSETS)
    def truncate(self, length: int) -> None:
        self.file.truncate(length)
        del self.expected[length:]
        self.expected.extend(bytes(length - len(self.expected)))

    @rule(offset=OFFSETS, size=st.integers(1, 200_000))
    def read(self, offset: int, size: int) -> None:
        buffer = memoryview(bytearray(b"?" * size))
        read = self.file.read_into(buffer, offset)
        assert bytes(buffer[:read]) == self.expected[offset : offset + size]

    @rule()
    def flush(self) -> None:
        self.file.flush()
        assert self.server.data(PATH) == self.expected

    @rule()
    def refused_flush(self) -> None:
        if not self.file.is_dirty:
            return
        self.server.failures = [ConnectionError("gone")]
        try:
            self.file.flush()
        except ConnectionError:
            return
        raise AssertionError("the failure was swallowed")

    @rule()
    def die_and_resume(self) -> None:
        """What a kill does: nothing is closed or told, only the files are left."""
        changes = self.file._changes
        if changes is None:
            return
        changes.close()
        self.file._changes = None
        (orphan,) = self.spool.orphans()
        assert orphan.length == len(self.expected)
        self.file._let_go()
        base = self.server.entries.get(PATH)
        self.file = WritableFile.resume(
            orphan, base=base, spool=self.spool, uploader=self.server
        )

    @rule()
    def close_and_reopen(self) -> None:
        # What was refused is not sent by a close, only by a flush.
        self.file.flush()
        self.file.close()
        assert self.spool.orphans() == []
        assert self.server.data(PATH) == self.expected
        self.file = self.opened(self.server.entries[PATH])

    @invariant()
    def the_length_is_right(self) -> None:
        if hasattr(self, "file"):
            assert self.file.length == len(self.expected)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "file"):
            return
        self.file.flush()
        self.file.close()
        assert self.server.data(PATH) == self.expected
        self.spool.close()
        self.cache.close()
        shutil.rmtree(self.folder)


TestWritableFileModel = WritableFileModel.TestCase
TestWritableFileModel.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None
)
