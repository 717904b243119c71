"""Gives a path a new inode, by renaming the old one in the kernel's sight and nowhere else.

libfuse names an inode by its path. So one thread of our own calls rename(2) through the mount,
from the path to an alias (filesystem/aliases.py); the call comes back to us, is known by the
thread that made it, and is answered with success without touching the node. Open files keep
the old inode; the next look-up of the path finds the node under a new one.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)

_WAIT_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Request:
    path: NodePath
    alias: NodePath
    done: threading.Event = field(default_factory=threading.Event)
    succeeded: bool = False


class Detacher:
    """One thread and its queue. Start it after the mount is there."""

    def __init__(
        self,
        *,
        mountpoint: Path,
        root: NodePath,
        caller_thread: Callable[[], int],
        new_name: Callable[[], str],
        on_detached: Callable[[NodePath, NodePath], None],
    ) -> None:
        self._mountpoint = mountpoint
        self._root = root
        self._caller_thread = caller_thread
        self._new_name = new_name
        self._on_detached = on_detached
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        # What is being renamed at this moment; written by the thread alone.
        self._current: _Request | None = None
        self._thread_id = 0
        self._thread = threading.Thread(target=self._run, name="vofs-detach", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end when it is idle."""
        self._queue.put(None)

    def detach(self, path: NodePath, wait: bool) -> bool:  # noqa: FBT001 -- the type of a callback
        """Give the path a new inode; with `wait`, tell whether that was done in time."""
        if not self._thread.is_alive():
            return False
        request = _Request(path, path.parent.child(self._new_name()))
        self._queue.put(request)
        if not wait:
            return False
        request.done.wait(_WAIT_SECONDS)
        return request.succeeded

    def is_own(self, old: NodePath, new: NodePath) -> bool:
        """Whether the rename being answered is ours; then it is done by this.

        The alias is a name that no program uses; the thread is compared all the same.
        """
        current = self._current
        if current is None or current.path != old or current.alias != new:
            return False
        if self._caller_thread() not in {0, self._thread_id}:
            return False
        self._on_detached(old, new)
        return True

    def _run(self) -> None:
        self._thread_id = threading.get_native_id()
        while (request := self._queue.get()) is not None:
            self._current = request
            try:
                self._place(request.path).rename(self._place(request.alias))
                request.succeeded = True
            except FileNotFoundError:
                # It has no inode: as good.
                request.succeeded = True
            except OSError as error:
                _log.debug("%s keeps its inode: %s", request.path, error)
            finally:
                self._current = None
                request.done.set()

    def _place(self, path: NodePath) -> Path:
        return self._mountpoint.joinpath(*path.relative_to(self._root))
