"""Uploads behind the back of the program that closed: `-o writeback`.

A close *accepts* a file: its bytes and the line in its journal are there whatever happens to
this process, and a queue has it sent. Until it is sent the file is one of the `Writers` of the
mount, so every call sees it as it was closed. docs/decisions/0011 has what is promised and why.
"""

import itertools
import logging
import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from vofs.client.deadline import limited
from vofs.client.errors import (
    ClientError,
    CredentialRejected,
    MalformedAnswer,
    TimedOut,
    Unreachable,
)
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.errors import FileSystemError, named
from vofs.filesystem.group_sync import GroupSync
from vofs.filesystem.spool import Orphan, Spool
from vofs.filesystem.write_back_state import Pending, WriteBackConfig, WriteBackReport, refusal
from vofs.filesystem.writers import SharedWriter, Writers
from vospace_model.faults import (
    Fault,
    InternalFault,
    InvalidToken,
    NotAuthenticated,
    ServiceBusy,
)
from vospace_model.uris import NodePath

_log = logging.getLogger(__name__)

# Failures that say nothing about the file: all wait, and are tried until they pass.
_AWAY: Final = (Unreachable, TimedOut, ServiceBusy)
# Refusals that may pass by themselves: of this file alone, and tried again now and then.
_PERHAPS_PASSING: Final = (
    InternalFault,
    MalformedAnswer,
    CredentialRejected,
    NotAuthenticated,
    InvalidToken,
    OSError,
)
_NAMED_FILES: Final = 5
# Two are open; as many again are left for everything else.
_DESCRIPTORS_A_FILE: Final = 4


class WriteBack:
    """The queue and its threads. The condition guards all fields, and is not held over a wait.

    A file is in one of three tables: waiting, being sent, refused. Each holds one use of it.
    """

    def __init__(
        self,
        *,
        config: WriteBackConfig,
        writers: Writers,
        sync: GroupSync,
        available: Callable[[NodePath], int | None],
    ) -> None:
        self._config = config
        # How many bytes the quota leaves in a folder; None without a limit.
        self._available = available
        self._writers = writers
        self._sync = sync
        self._changed = threading.Condition()
        self._waiting: dict[int, Pending] = {}
        self._sending: dict[int, Pending] = {}
        self._refused: dict[int, Pending] = {}
        self._bytes = 0
        self._last_close = 0.0
        self._pause_until = 0.0
        self._failures_in_a_row = 0
        self._failures = 0
        self._sent = 0
        self._last_error: str | None = None
        self._draining = 0
        self._threads: list[threading.Thread] = []

    def settle(self, writer: SharedWriter) -> None:
        """What a close does: accept the file, or send it where that is wiser.

        It is sent at once when too much waits already, when it is large and the quota has no
        room for it, and after the service refused another of its folder: so that the program
        hears of it. Raises what keeps it from being safe.
        """
        if not self._config.enabled or self._should_send(writer):
            self.flush(writer)
            return
        if not self._has_room(writer):
            # What was closed before comes first: it has been promised.
            self.drain(self._config.finish_seconds)
            self.flush(writer)
            return
        if not writer.file.accept(writer.changed_ns):
            return
        self._add(writer)
        batch = self._sync.add(*writer.file.spool_paths())
        if self._config.durable:
            self._sync.wait(batch)

    def flush(self, writer: SharedWriter) -> None:
        """Have the service hold what was written, or raise why it doesn't."""
        writer.file.flush()
        key = id(writer)
        with self._changed:
            if key in self._refused and not writer.file.has_accepted:
                # Nothing is left of it; a thread of ours lets go.
                self._waiting[key] = self._refused.pop(key)
                self._changed.notify()

    def settle_last(self, writer: SharedWriter) -> None:
        """The same when nobody is left who could be told of a failure."""
        if not self._config.enabled or not writer.file.has_news:
            return
        try:
            self.settle(writer)
        except Exception as error:  # noqa: BLE001 -- see above; it stays in the spool
            _log.warning("%s: kept in the spool, not sent: %s", writer.path, error)

    def resume(self, wanted: Callable[[Orphan], bool], owner: str) -> int:
        """Go on with what an earlier mount accepted and did not send; how many files."""
        versions: dict[str, list[Orphan]] = {}
        closed = [one for one in self._writers.orphans() if one.closed_ns is not None]
        for orphan in sorted(closed, key=lambda one: -(one.closed_ns or 0)):
            if wanted(orphan):
                versions.setdefault(orphan.path, []).append(orphan)
        return sum(self._resume_latest(found, owner) for found in versions.values())

    def start(self) -> None:
        """Send what waits; threads may run from now on."""
        with self._changed:
            if self._waiting:
                self._start_threads()

    def holds(self, writer: SharedWriter) -> bool:
        """Whether a file was closed and is not on the service yet."""
        key = id(writer)
        return key in self._waiting or key in self._sending or key in self._refused

    def drain(self, seconds: float) -> list[str]:
        """Send everything that was closed before, also what was refused; what failed.

        Ends when the service is away, or the time is over: the rest stays, and is said.
        """
        with self._changed:
            self._waiting.update(self._refused)
            self._refused.clear()
            wanted = list(self._waiting | self._sending)
            self._pause_until, failures = 0.0, self._failures
            self._draining += 1
            self._start_threads()
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: (
                    self._failures != failures
                    or not any(key in self._waiting or key in self._sending for key in wanted)
                ),
                seconds,
            )
            self._draining -= 1
            return self._remains()

    def report(self) -> WriteBackReport:
        """The state as of now."""
        with self._changed:
            pending = self._all()
            oldest = min((item.since for item in pending), default=None)
            return WriteBackReport(
                enabled=self._config.enabled,
                files=len(pending),
                bytes=sum(item.length for item in pending),
                oldest_seconds=0.0 if oldest is None else max(0.0, time.time() - oldest),
                uploading=len(self._sending),
                sent=self._sent,
                last_error=self._last_error if pending else None,
                refused=tuple(refusal(item) for item in self._refused.values()),
            )

    def _all(self) -> list[Pending]:
        tables = (self._sending, self._waiting, self._refused)
        items = itertools.chain.from_iterable(table.values() for table in tables)
        return [item for item in items if item.writer.is_linked]

    def _should_send(self, writer: SharedWriter) -> bool:
        length, parent = writer.file.length, writer.path.parent
        with self._changed:
            files = len(self._waiting) + len(self._sending) + len(self._refused)
            is_full = (
                files >= self._config.limit_files
                or self._bytes + length > self._config.limit_bytes
            )
            return is_full or any(
                item.writer.path.parent == parent and item.writer.is_linked
                for item in self._refused.values()
            )

    def _has_room(self, writer: SharedWriter) -> bool:
        """Whether a large file fits as far as the service says now, beside what waits."""
        length = writer.file.length
        if length < self._config.ask_for_room_bytes:
            return True
        try:
            with limited(self._config.ask_for_room_seconds):
                available = self._available(writer.path.parent)
        except (Fault, ClientError):
            return True
        return available is None or self._bytes + length <= available

    def _resume_latest(self, versions: Sequence[Orphan], owner: str) -> bool:
        """Go on with the latest of one file that is whole; those before it are not needed."""
        for number, orphan in enumerate(versions, 1):
            if self._resume(orphan, owner):
                for before in versions[number:]:
                    self._forget(before)
                return True
        return False

    def _resume(self, orphan: Orphan, owner: str) -> bool:
        try:
            writer = self._writers.resume(orphan, owner)
        except (Fault, FileSystemError, OSError) as error:
            _log.warning("%s: not sent, and kept: %s", orphan.path, error)
            return False
        with self._changed:
            item = Pending(writer=writer, length=writer.file.length)
            item.since = orphan.created.timestamp()
            self._waiting[id(writer)] = item
            self._bytes += item.length
        return True

    def _forget(self, orphan: Orphan) -> None:
        try:
            self._writers.discard_orphan(orphan)
        except (FileSystemError, OSError) as error:
            _log.warning("%s: an earlier version stays in the spool: %s", orphan.path, error)

    def _add(self, writer: SharedWriter) -> None:
        key = id(writer)
        with self._changed:
            item = self._sending.get(key) or self._waiting.get(key)
            if item is None and key in self._refused:
                item = self._waiting[key] = self._refused.pop(key)
            if item is None:
                self._writers.hold(writer)
                item = self._waiting[key] = Pending(writer=writer, length=0)
            length = writer.file.length
            self._bytes += length - item.length
            item.length = length
            item.closes += 1
            self._last_close = time.monotonic()
            self._start_threads()
            self._changed.notify()

    def _start_threads(self) -> None:
        while len(self._threads) < self._config.threads:
            name = f"vofs-upload-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while True:
            item, closes = self._next()
            try:
                item.writer.file.send_accepted()
            except Exception as error:  # noqa: BLE001 -- the thread must live
                self._not_sent(item, closes, error)
            else:
                self._was_sent(item)

    def _next(self) -> tuple[Pending, int]:
        """The file that is to be sent now; waits for it."""
        with self._changed:
            while True:
                self._try_refused_again()
                pause = self._pause()
                if self._waiting and pause <= 0:
                    key = next(iter(self._waiting))
                    item = self._sending[key] = self._waiting.pop(key)
                    return item, item.closes
                if not self._waiting:
                    pause = self._config.refused_pause_seconds
                self._changed.wait(pause if self._waiting or self._refused else None)

    def _try_refused_again(self) -> None:
        now = time.monotonic()
        for key, item in list(self._refused.items()):
            is_due = item.try_again_at is not None and item.try_again_at <= now
            if is_due or not item.writer.is_linked:
                self._waiting[key] = self._refused.pop(key)

    def _pause(self) -> float:
        """For how long sending should wait."""
        now = time.monotonic()
        if self._pause_until > now:
            return self._pause_until - now
        if self._draining or self._bytes >= self._config.early_bytes or not self._waiting:
            return 0.0
        first = next(iter(self._waiting.values()))
        quiet = self._last_close + self._config.quiet_seconds - now
        longest = first.since + self._config.longest_quiet_seconds - time.time()
        return min(quiet, longest)

    def _was_sent(self, item: Pending) -> None:
        key = id(item.writer)
        with self._changed:
            del self._sending[key]
            self._failures_in_a_row = 0
            self._pause_until = 0.0
            if item.writer.file.has_accepted:
                # Closed once more while it was sent.
                self._waiting[key] = item
                self._changed.notify_all()
                return
            self._sent += 1
            self._bytes -= item.length
            self._changed.notify_all()
        self._writers.close(item.writer)

    def _not_sent(self, item: Pending, closes: int, error: Exception) -> None:
        key = id(item.writer)
        is_away = isinstance(error, _AWAY)
        with self._changed:
            del self._sending[key]
            item.reason = self._last_error = named(error)
            if not is_away and item.closes == closes:
                may_pass = isinstance(error, _PERHAPS_PASSING)
                again = time.monotonic() + self._config.refused_pause_seconds
                item.try_again_at = again if may_pass else None
                self._refused[key] = item
            else:
                self._waiting[key] = item
            if is_away:
                self._failures += 1
                self._back_off()
            self._changed.notify_all()
        level = logging.WARNING if is_away else logging.ERROR
        _log.log(level, "%s: not sent, and kept: %s", item.writer.path, item.reason)

    def _back_off(self) -> None:
        config = self._config
        if self._pause_until > time.monotonic():
            # Another thread has just found the same.
            return
        pause = config.first_pause_seconds * 2 ** min(self._failures_in_a_row, 10)
        self._failures_in_a_row += 1
        self._pause_until = time.monotonic() + min(pause, config.longest_pause_seconds)

    def _remains(self) -> list[str]:
        """A sentence for every refused file, and one for those that wait."""
        sentences = [
            f"{item.writer.path}: {item.reason}"
            for item in self._refused.values()
            if item.writer.is_linked
        ]
        waiting = [
            item
            for item in itertools.chain(self._sending.values(), self._waiting.values())
            if item.writer.is_linked
        ]
        if waiting:
            names = ", ".join(str(item.writer.path) for item in waiting[:_NAMED_FILES])
            more = ", …" if len(waiting) > _NAMED_FILES else ""
            reason = self._last_error or "the time was over"
            sentences.append(
                f"{len(waiting)} files are kept and wait ({names}{more}): {reason}"
            )
        return sentences


def write_back_of(
    config: WriteBackConfig, client: VOSpaceClient, writers: Writers, spool: Spool
) -> WriteBack:
    """The queue of a mount whose files are in this spool.

    Each file that waits has two descriptors open: there are never more of them than half of
    what the process may have, which is raised where it is low.
    """
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS_A_FILE * config.limit_files
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    if allowed == resource.RLIM_INFINITY:
        allowed = wanted
    pause = 0.0 if config.durable else config.sync_pause_seconds
    return WriteBack(
        config=replace(
            config, limit_files=min(config.limit_files, allowed // _DESCRIPTORS_A_FILE)
        ),
        writers=writers,
        sync=GroupSync(spool.directory, pause_seconds=pause, on_synced=spool.release),
        available=lambda path: client.quota(path).available,
    )
