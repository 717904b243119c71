"""From a path to bytes that can be read: the version of now, its cache and its source."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from vofs.cache.block_cache import BlockCache
from vofs.client.byte_ranges import OpenedContent
from vofs.client.errors import ContentChanged
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.errors import IsAContainer
from vofs.filesystem.namespace import AWAY, Namespace
from vofs.filesystem.readable_file import ReadableFile
from vofs.filesystem.sibling_prefetch import SiblingPrefetch
from vospace_model.api import Entry
from vospace_model.faults import NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath


class NodeSource:
    """Where the cache fetches the bytes of one version; asks for their address when needed."""

    def __init__(
        self,
        client: VOSpaceClient,
        namespace: Namespace,
        path: NodePath,
        entry: Entry,
        opened: OpenedContent | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._path = path
        self._entry = entry
        # Guards `_opened`; held while the address is asked for, so that one thread asks.
        self._lock = threading.Lock()
        self._opened = opened

    def fetch(self, start: int, stop: int) -> Iterator[bytes]:
        """Exactly the bytes [start, stop); raises ContentChanged when they are gone."""
        return self._client.read_range(self._address(), start, stop)

    def _address(self) -> OpenedContent:
        with self._lock:
            if self._opened is None:
                opened = self._namespace.open_content(self._path)
                if opened.entry.content != self._entry.content:
                    raise ContentChanged(f"{self._path} was replaced before it was read")
                self._opened = opened
            return self._opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a file: what it is, and where its bytes come from."""

    entry: Entry
    source: NodeSource


class Contents:
    """Finds the version of a file that a program gets when it opens it."""

    def __init__(
        self,
        *,
        client: VOSpaceClient,
        namespace: Namespace,
        cache: BlockCache,
        prefetch: SiblingPrefetch,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._cache = cache
        self._prefetch = prefetch

    def current(self, path: NodePath) -> Version:
        """The version to be read, not older than close-to-open allows.

        A file of which every byte is cached costs a request only when it has to be looked at
        again; any other is looked at and given an address in one. When the service is away,
        the last version known will do.
        """
        self._prefetch.await_arrival(path)
        known = self._namespace.peek(path)
        if known is not None and self.is_cached(known):
            is_new = self._prefetch.has_just_brought(path, known)
            entry = known if is_new else self._namespace.entry_to_open(path)
            self._check(path, entry)
            if self.is_cached(entry):
                self._prefetch.opened(path, entry)
                return self._version(path, entry)
        return self._addressed(path, known)

    def readable(self, path: NodePath, entry: Entry) -> ReadableFile:
        """A version to be read through the cache; its address is asked for when needed."""
        return self.open(self._version(path, entry))

    def open(self, version: Version) -> ReadableFile:
        """A version to be read through the cache; one that never had bytes is empty."""
        entry = version.entry
        length = entry.length if entry.content is not None else 0
        content = self._cache.open(entry.content or "", length, entry.md5)
        return ReadableFile(content=content, source=version.source)

    def is_cached(self, entry: Entry) -> bool:
        """Whether all bytes of a version are on the disk."""
        return entry.content is None or self._cache.has(entry.content, entry.length)

    def _addressed(self, path: NodePath, known: Entry | None) -> Version:
        try:
            opened = self._namespace.open_content(path)
        except AWAY:
            if known is None:
                raise
            self._check(path, known)
            # What is in the cache can be read; what isn't will say that the service is away.
            return self._version(path, known)
        self._check(path, opened.entry)
        self._prefetch.opened(path, opened.entry)
        address = opened if opened.data_url else None
        source = NodeSource(self._client, self._namespace, path, opened.entry, address)
        return Version(entry=opened.entry, source=source)

    def _version(self, path: NodePath, entry: Entry) -> Version:
        return Version(
            entry=entry, source=NodeSource(self._client, self._namespace, path, entry)
        )

    def _check(self, path: NodePath, entry: Entry) -> None:
        if entry.type is NodeType.CONTAINER:
            raise IsAContainer(f"{path} is a folder")
        if entry.type is NodeType.LINK:
            raise NodeNotFound(f"{path} is a link")
