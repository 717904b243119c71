"""Brings closed files from the page cache to the disk, many at a time."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from vofs.cache.file_ranges import sync_file_system

_log = logging.getLogger(__name__)

# Up to so many files are synced one by one; more by one call for their whole file system.
_FEW_FILES: Final = 8


class Batch:
    """Files that are synced together; the fields are guarded by the condition of GroupSync."""

    __slots__ = ("error", "files", "is_done")

    def __init__(self, *, is_done: bool = False) -> None:
        self.files: list[Path] = []
        self.is_done = is_done
        self.error: OSError | None = None


class GroupSync:
    """One thread, started with the first file. The condition guards all fields.

    A sync covers every file that was added before it began, so a thousand closes cost a few
    syncs. Between two of them the thread pauses, which is the time that a power cut may cost.
    """

    def __init__(
        self, directory: Path, *, pause_seconds: float, on_synced: Callable[[Path], None]
    ) -> None:
        self._directory = directory
        self._on_synced = on_synced
        self._pause_seconds = pause_seconds
        self._changed = threading.Condition()
        # What the next sync covers.
        self._next = Batch()
        self._thread: threading.Thread | None = None

    def add(self, *files: Path) -> Batch:
        """Have files synced soon; returns what to `wait` for."""
        if not files:
            return Batch(is_done=True)
        with self._changed:
            batch = self._next
            batch.files.extend(files)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="vofs-spool-sync", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
            return batch

    def wait(self, batch: Batch) -> None:
        """Wait until what was added is on the disk; raises the OSError that keeps it off."""
        with self._changed:
            self._changed.wait_for(lambda: batch.is_done)
        if batch.error is not None:
            raise batch.error

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next.files)
                batch, self._next = self._next, Batch()
            try:
                self._sync(batch.files)
            except OSError as error:
                _log.error("the spool %s can't be synced: %s", self._directory, error)
                batch.error = error
            with self._changed:
                batch.is_done = True
                self._changed.notify_all()
            if batch.error is None:
                for path in batch.files:
                    self._on_synced(path)
            time.sleep(self._pause_seconds)

    def _sync(self, files: Sequence[Path]) -> None:
        if len(files) <= _FEW_FILES:
            for path in (*files, self._directory):
                _sync_one(path)
            return
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            sync_file_system(descriptor)
        finally:
            os.close(descriptor)


def _sync_one(path: Path) -> None:
    """Sync a file; one that is gone was sent meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
