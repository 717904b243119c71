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
        self._added: list[Path] = []
        # How many files were added, and how many of them are on the disk.
        self._count = 0
        self._synced = 0
        self._failure: OSError | None = None
        self._thread: threading.Thread | None = None

    def add(self, *files: Path) -> int:
        """Have files synced soon; returns a ticket for `wait`."""
        if not files:
            return 0
        with self._changed:
            self._added.extend(files)
            self._count += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="vofs-spool-sync", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
            return self._count

    def wait(self, ticket: int) -> None:
        """Wait until what was added is on the disk; raises the OSError that keeps it off."""
        with self._changed:
            failure = self._failure
            self._changed.wait_for(
                lambda: self._synced >= ticket or self._failure is not failure
            )
            if self._synced < ticket and self._failure is not None:
                raise self._failure

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._added)
                files, self._added = self._added, []
                count = self._count
            try:
                self._sync(files)
            except OSError as error:
                _log.error("the spool %s can't be synced: %s", self._directory, error)
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._synced = count
                    self._changed.notify_all()
                for path in files:
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
