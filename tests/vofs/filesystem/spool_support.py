"""A server of one version per path, in memory, as a writable file sees it."""

import hashlib
import os
import threading
from collections.abc import Iterator
from itertools import count

from vofs.cache.block_cache import BlockCache
from vofs.filesystem.readable_file import ReadableFile
from vofs.filesystem.uploader import UploadRequest
from vospace_model.api import Entry
from vospace_model.nodes import NodeType


class MemorySource:
    """The bytes of one version; counts what is fetched."""

    def __init__(self, server: "MemoryServer", data: bytes) -> None:
        self._server = server
        self._data = data

    def fetch(self, start: int, stop: int) -> Iterator[bytes]:
        self._server.fetched_bytes += stop - start
        if self._server.is_down:
            raise ConnectionError("the server is gone")
        yield self._data[start:stop]


class MemoryServer:
    """Keeps all versions; may be down, refuse, or take its time."""

    def __init__(self, cache: BlockCache) -> None:
        self._cache = cache
        self._numbers = count(1)
        self._versions: dict[str, bytes] = {}
        self.entries: dict[str, Entry] = {}
        self.requests: list[UploadRequest] = []
        self.failures: list[Exception] = []
        self.fetched_bytes = 0
        self.is_down = False
        # An upload under way waits for this.
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.has_begun = threading.Event()

    def put(self, path: str, data: bytes, mtime_ns: int | None = None) -> Entry:
        content = f"content-{next(self._numbers)}"
        self._versions[content] = data
        self.entries[path] = Entry(
            name=path.rpartition("/")[2],
            type=NodeType.DATA,
            id=1,
            length=len(data),
            mtime_ns=mtime_ns or 0,
            ctime_ns=0,
            owner="durand",
            public=False,
            readable=True,
            writable=True,
            version=1,
            content=content,
            md5=hashlib.md5(data).hexdigest(),
        )
        return self.entries[path]

    def data(self, path: str) -> bytes:
        content = self.entries[path].content
        assert content is not None
        return self._versions[content]

    def upload(self, request: UploadRequest) -> Entry:
        self.requests.append(request)
        data = os.pread(request.descriptor, request.length + 1, 0)
        self.has_begun.set()
        assert self.may_answer.wait(20)
        if self.failures:
            raise self.failures.pop(0)
        assert len(data) == request.length
        return self.put(request.path, data, request.mtime_ns)

    def open_content(self, entry: Entry) -> ReadableFile:
        assert entry.content is not None
        content = self._cache.open(entry.content, entry.length, entry.md5)
        source = MemorySource(self, self._versions[entry.content])
        return ReadableFile(content=content, source=source)
