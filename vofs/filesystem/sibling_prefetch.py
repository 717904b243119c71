"""Small files of one folder that are opened one after the other come many to a request.

Over a long line, a thousand small files cost one or two round trips each; nobody else's mount
avoids that. Once a second small file of a folder has been opened, the files that follow in the
folder's listing are fetched as one bundle; opening one that is on its way waits for it.
"""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from cachetools import LRUCache, TTLCache

from vofs.cache.block_cache import BlockCache
from vofs.client.bundles import BundledContent
from vofs.client.errors import ClientError
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.namespace import Namespace
from vospace_model.api import Entry
from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)

Names = tuple[str, ...]
_MANY_FOLDERS: Final = 1024
_MANY_FILES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefetchConfig:
    """When and how much is fetched."""

    enabled: bool = True
    # A larger file is worth a request of its own.
    largest_file_bytes: int = 256 * 1024
    # So many small files of a folder opened within the window mean that all are wanted.
    opened_files: int = 2
    window_seconds: float = 5.0
    # One bundle.
    files: int = 500
    bundle_bytes: int = 8 * 1024 * 1024
    # For so long after its arrival, opening a file is not worth a look at the service.
    fresh_seconds: float = 3.0
    # How long an open waits for a bundle that holds its file.
    wait_seconds: float = 10.0


@dataclass(slots=True)
class _Bundle:
    """Files on their way. `arrived` is notified for each; guarded by its own lock."""

    waiting: set[Names]
    arrived: threading.Condition = field(default_factory=threading.Condition)
    # The file whose opening asks for the next bundle.
    trigger: Names = ()


class SiblingPrefetch:
    """The policy and its threads, one per bundle on its way. The lock guards the tables."""

    def __init__(
        self,
        *,
        client: VOSpaceClient,
        namespace: Namespace,
        cache: BlockCache,
        config: PrefetchConfig,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._cache = cache
        self._config = config
        self._lock = threading.Lock()
        self._opened: TTLCache[Names, set[str]] = TTLCache(
            _MANY_FOLDERS, config.window_seconds, timer=time.monotonic
        )
        self._on_their_way: dict[Names, _Bundle] = {}
        self._triggers: LRUCache[Names, bool] = LRUCache(_MANY_FOLDERS)
        self._busy: set[Names] = set()
        self._delivered: TTLCache[Names, str] = TTLCache(
            _MANY_FILES, config.fresh_seconds, timer=time.monotonic
        )
        # The file that asked for the next bundle while the one before was still arriving.
        self._postponed: dict[Names, NodePath] = {}

    def opened(self, path: NodePath, entry: Entry) -> None:
        """A file was opened; fetch what follows it when that is what a program is doing."""
        if not self._config.enabled or not self._client.is_extended:
            return
        if entry.length > self._config.largest_file_bytes or path.is_root:
            return
        if self._is_walked(path):
            self._start(path)

    def has_just_brought(self, path: NodePath, entry: Entry) -> bool:
        """Whether this version came in a bundle a moment ago; true once for each arrival."""
        if not self._delivered:
            return False
        with self._lock:
            return self._delivered.pop(path.names, None) == entry.content

    def await_arrival(self, path: NodePath) -> None:
        """Wait until a file that is on its way is there, or is not to be expected any more."""
        bundle = self._on_their_way.get(path.names)
        if bundle is None:
            return
        with bundle.arrived:
            bundle.arrived.wait_for(
                lambda: path.names not in bundle.waiting, timeout=self._config.wait_seconds
            )

    def _is_walked(self, path: NodePath) -> bool:
        folder = path.names[:-1]
        with self._lock:
            if self._triggers.pop(path.names, False):
                return True
            names = self._opened.get(folder, set()) | {path.name}
            if len(names) > self._config.opened_files:
                return False
            self._opened[folder] = names
            return len(names) == self._config.opened_files

    def _start(self, path: NodePath) -> None:
        folder = path.names[:-1]
        with self._lock:
            if folder in self._busy:
                self._postponed[folder] = path
                return
            self._busy.add(folder)
        wanted = self._wanted_after(path)
        if not wanted:
            with self._lock:
                self._busy.discard(folder)
            return
        bundle = _Bundle({candidate.names for candidate, _ in wanted})
        with self._lock:
            self._triggers[wanted[len(wanted) // 2][0].names] = True
            for names in bundle.waiting:
                self._on_their_way[names] = bundle
        threading.Thread(
            target=self._fetch, args=(folder, bundle, wanted), name="vofs-bundle", daemon=True
        ).start()

    def _wanted_after(self, path: NodePath) -> list[tuple[NodePath, Entry]]:
        """The small files that follow in the listing and aren't cached, up to one bundle."""
        wanted: list[tuple[NodePath, Entry]] = []
        total = 0
        for candidate, entry in self._namespace.siblings_after(path, 4 * self._config.files):
            if not self._is_worth_fetching(entry):
                continue
            total += entry.length
            if total > self._config.bundle_bytes or len(wanted) == self._config.files:
                break
            wanted.append((candidate, entry))
        return wanted

    def _is_worth_fetching(self, entry: Entry) -> bool:
        if entry.content is None or not entry.readable:
            return False
        if not 0 < entry.length <= self._config.largest_file_bytes:
            return False
        return not self._cache.has(entry.content, entry.length)

    def _fetch(
        self, folder: Names, bundle: _Bundle, wanted: list[tuple[NodePath, Entry]]
    ) -> None:
        try:
            self._receive(bundle, wanted)
        except ClientError as error:
            _log.debug("a bundle of %d files broke off: %s", len(wanted), error)
        except Exception:  # noqa: BLE001 -- a thread of its own: nobody else would tell
            _log.exception("a bundle of %d files was given up", len(wanted))
        finally:
            self._finish(folder, bundle)

    def _receive(self, bundle: _Bundle, wanted: list[tuple[NodePath, Entry]]) -> None:
        entries = {str(path): (path, entry) for path, entry in wanted}
        asked_at, epoch = time.monotonic(), self._namespace.epoch()
        for item in self._client.bundle([path for path, _ in wanted]):
            path, entry = entries.get(item.path, (None, None))
            if path is None or entry is None:
                continue
            if isinstance(item, BundledContent) and item.content == entry.content:
                self._cache.put_whole(item.content, item.data, entry.md5)
                # The service named this content just now: as good as having looked.
                self._namespace.confirm(path, entry, asked_at=asked_at, epoch=epoch)
                with self._lock:
                    self._delivered[path.names] = item.content
            self._arrived(bundle, path.names)

    def _arrived(self, bundle: _Bundle, names: Names) -> None:
        self._on_their_way.pop(names, None)
        with bundle.arrived:
            bundle.waiting.discard(names)
            bundle.arrived.notify_all()

    def _finish(self, folder: Names, bundle: _Bundle) -> None:
        with bundle.arrived:
            missing = set(bundle.waiting)
        for names in missing:
            self._arrived(bundle, names)
        with self._lock:
            self._busy.discard(folder)
            postponed = self._postponed.pop(folder, None)
        if postponed is not None:
            self._start(postponed)
