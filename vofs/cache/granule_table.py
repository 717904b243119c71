"""Which granules of one content can be read, and which are on their way."""

import threading
from collections.abc import Callable, Iterator
from typing import Final

_ABSENT: Final = 0
_READY: Final = 1
_MARKER: Final = 2
_TO_MASK: Final = bytes([0] + [255] * 255)


class Fetch:
    """Granules [first, stop) of one content on their way, by one request or more.

    `kept` holds what could not be stored, for those who wait. The fields are guarded by the
    table's condition; `done` is set last.
    """

    __slots__ = (
        "demanded",
        "done",
        "elsewhere",
        "error",
        "first",
        "kept",
        "moved",
        "started",
        "stop",
        "stored_to",
        "work",
    )

    def __init__(self, *, first: int, stop: int, demanded: bool) -> None:
        self.first = first
        self.stop = stop
        # Whether readers wait for it, who want to know how it fails.
        self.demanded = demanded
        # Set by the thread that runs it; queued again for a reader, it runs only once.
        self.started = False
        self.done = False
        # Another process is fetching some of it.
        self.elsewhere = False
        # At least one granule arrived.
        self.moved = False
        # How far the run under way is on the disk.
        self.stored_to = first
        self.error: Exception | None = None
        self.kept: dict[int, bytes] = {}
        # What runs it; set by who claims it.
        self.work: Callable[[], None] | None = None

    def overlaps(self, first: int, stop: int) -> bool:
        """Whether it has granules of this range."""
        return self.first < stop and first < self.stop


class GranuleTable:
    """One byte per granule in `ready`: 0 absent, 1 ready, 2 ready and a read-ahead marker.

    `ready` is read without the lock by those who only want to know whether they may read.
    Everything else is done with `changed` held, which readers of absent granules wait on.
    """

    __slots__ = ("_markers", "changed", "fetches", "granules", "ready")

    def __init__(self, granules: int) -> None:
        self.granules = granules
        self.ready = bytearray(granules)
        self.changed = threading.Condition(threading.Lock())
        self.fetches: list[Fetch] = []
        self._markers: set[int] = set()

    def absent_runs(self, first: int, stop: int) -> Iterator[tuple[int, int]]:
        """The runs of granules in a range that are not ready."""
        position = self.ready.find(_ABSENT, first, stop)
        while position >= 0:
            end = position + 1
            while end < stop and self.ready[end] == _ABSENT:
                end += 1
            yield position, end
            position = self.ready.find(_ABSENT, end, stop)

    def unclaimed_runs(self, first: int, stop: int) -> Iterator[tuple[int, int]]:
        """The runs of granules in a range that are neither ready nor on their way."""
        for start, end in self.absent_runs(first, stop):
            yield from _without(start, end, self.fetches)

    def mark_ready(self, first: int, stop: int) -> None:
        """Granules can be read from now on."""
        self.ready[first:stop] = bytes([_READY]) * (stop - first)
        for granule in self._markers.intersection(range(first, stop)):
            self.ready[granule] = _MARKER
            self._markers.discard(granule)

    def mark_absent(self, first: int, stop: int) -> None:
        """Granules can't be read any more."""
        self.ready[first:stop] = bytes(stop - first)

    def set_marker(self, granule: int) -> None:
        """The reader of this granule shall ask for more."""
        if self.ready[granule]:
            self.ready[granule] = _MARKER
        else:
            self._markers.add(granule)

    def take_marker(self, first: int, stop: int) -> bool:
        """Whether there is a marker among these granules; then it is one no longer."""
        position = self.ready.find(_MARKER, first, stop)
        if position < 0:
            return False
        self.ready[position] = _READY
        return True

    def keep_only(self, presence: bytes) -> None:
        """Granules that are not present can't be read any more."""
        mask = int.from_bytes(presence.translate(_TO_MASK), "little")
        left = int.from_bytes(self.ready, "little") & mask
        # In place: readers without the lock hold on to this object.
        self.ready[:] = left.to_bytes(self.granules, "little")


def _without(start: int, end: int, fetches: list[Fetch]) -> Iterator[tuple[int, int]]:
    """What is left of a run when all that is on its way is taken out."""
    for fetch in sorted(fetches, key=lambda one: one.first):
        if not fetch.overlaps(start, end):
            continue
        if start < fetch.first:
            yield start, fetch.first
        start = max(start, fetch.stop)
    if start < end:
        yield start, end
