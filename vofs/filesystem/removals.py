"""Removes open files from the service a moment after the kernel was told that they are gone.

When a file is removed while it is open, libfuse first renames it to a name of its own, and
does the same to the target of a rename. Where the two can't be told apart, a removal waits for
some milliseconds, and a rename to the path, which follows at once and must replace its target
in one operation, takes it over.
"""

import enum
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vospace_model.faults import ContainerNotFound, NodeNotFound
from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)

_DELAY_SECONDS: Final = 0.005
_WAIT_SECONDS: Final = 60.0


class Purpose(enum.Enum):
    """Why an open file loses its name."""

    REMOVE = enum.auto()
    REPLACE = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(slots=True)
class _Removal:
    path: NodePath
    due: float
    done: threading.Event = field(default_factory=threading.Event)
    # Guarded by the lock of Removals.
    begun: bool = False
    taken_over: bool = False


class Removals:
    """One thread, started with the first removal. The lock guards the table."""

    def __init__(
        self,
        *,
        delete: Callable[[NodePath], None],
        on_removed: Callable[[NodePath], None],
        on_failed: Callable[[NodePath], None],
    ) -> None:
        self._delete = delete
        self._on_removed = on_removed
        self._on_failed = on_failed
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Removal] = queue.SimpleQueue()
        self._pending: dict[NodePath, _Removal] = {}
        self._thread: threading.Thread | None = None

    def schedule(self, path: NodePath) -> None:
        """Remove the node, unless a rename takes its place at once."""
        removal = _Removal(path, time.monotonic() + _DELAY_SECONDS)
        with self._lock:
            self._pending[path] = removal
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="vofs-removals", daemon=True
                )
                self._thread.start()
        self._queue.put(removal)

    def is_pending(self, path: NodePath) -> bool:
        """Whether the node is gone for us and may still be on the service."""
        return bool(self._pending) and path in self._pending

    def is_idle(self) -> bool:
        """Whether nothing is pending."""
        return not self._pending

    def take_over(self, path: NodePath) -> None:
        """The caller replaces the node itself; one whose removal has begun is waited for."""
        with self._lock:
            removal = self._pending.get(path)
            if removal is not None and not removal.begun:
                removal.taken_over = True
                del self._pending[path]
                return
        self.settle(path)

    def settle(self, path: NodePath) -> None:
        """Wait until the node is gone, so that a new one at its path isn't removed instead."""
        removal = self._pending.get(path)
        if removal is not None:
            removal.done.wait(_WAIT_SECONDS)

    def settle_all(self) -> None:
        """Wait until everything is removed."""
        for path in list(self._pending):
            self.settle(path)

    def _run(self) -> None:
        while True:
            removal = self._queue.get()
            time.sleep(max(0.0, removal.due - time.monotonic()))
            with self._lock:
                if removal.taken_over:
                    continue
                removal.begun = True
            self._remove(removal)

    def _remove(self, removal: _Removal) -> None:
        try:
            self._delete(removal.path)
        except (NodeNotFound, ContainerNotFound):
            self._on_removed(removal.path)
        except Exception as error:  # noqa: BLE001 -- the thread must live
            _log.error("%s was removed here and not on the service: %s", removal.path, error)
            self._on_failed(removal.path)
        else:
            self._on_removed(removal.path)
        finally:
            with self._lock:
                if self._pending.get(removal.path) is removal:
                    del self._pending[removal.path]
            removal.done.set()
