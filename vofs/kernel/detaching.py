"""Gives a path a new inode, by removing it from the kernel's sight and from nowhere else.

libfuse names an inode by its path and forgets the name only when the path is removed. So one
thread of our own calls unlink(2) on the path through the mount; the call comes back to us, is
known by the thread that made it, and is answered with success without touching the node. Open
files keep the old inode; the next look-up finds the node again under a new one.
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
        on_detached: Callable[[NodePath], None],
    ) -> None:
        self._mountpoint = mountpoint
        self._root = root
        self._caller_thread = caller_thread
        self._on_detached = on_detached
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        # The path being removed at this moment; written by the thread alone.
        self._current: NodePath | None = None
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
        request = _Request(path)
        self._queue.put(request)
        if not wait:
            return False
        request.done.wait(_WAIT_SECONDS)
        return request.succeeded

    def is_own(self, path: NodePath) -> bool:
        """Whether the unlink call being answered is ours and must not remove the node.

        Raises BlockingIOError for a call that can't be told apart: where thread ids of other
        namespaces are hidden, a node must rather stay than go.
        """
        if self._current != path:
            return False
        caller = self._caller_thread()
        if caller == 0:
            raise BlockingIOError(f"{path} is being renewed, try again")
        return caller == self._thread_id

    def _run(self) -> None:
        self._thread_id = threading.get_native_id()
        while (request := self._queue.get()) is not None:
            self._current = request.path
            try:
                self._mountpoint.joinpath(*request.path.relative_to(self._root)).unlink()
                request.succeeded = True
                self._on_detached(request.path)
            except FileNotFoundError:
                # It has no inode: as good.
                request.succeeded = True
            except OSError as error:
                _log.debug("%s keeps its inode: %s", request.path, error)
            finally:
                self._current = None
                request.done.set()
