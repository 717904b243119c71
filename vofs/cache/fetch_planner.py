"""Turns what readers want into fetches: nothing twice, and more when they read on.

Every method is called with the condition of the table held.
"""

from vofs.cache.cache_config import CacheConfig
from vofs.cache.content_identity import ContentIdentity
from vofs.cache.granule_table import Fetch, GranuleTable
from vofs.cache.read_ahead import ReadAhead


class FetchPlanner:
    """The claims on the granules of one content."""

    __slots__ = ("_largest", "_policy", "_shift", "_table")

    def __init__(
        self, *, identity: ContentIdentity, table: GranuleTable, config: CacheConfig
    ) -> None:
        self._table = table
        self._shift = identity.granule_shift
        self._largest = max(1, config.largest_request >> identity.granule_shift)
        self._policy = ReadAhead(length=identity.length, window_bytes=config.largest_window)

    def look_ahead(self, offset: int, size: int) -> int:
        """Note a read; returns the granule to fetch up to."""
        plan = self._policy.observe(offset, size)
        if plan.marker is not None:
            self._table.set_marker(plan.marker >> self._shift)
        return -(-plan.stop >> self._shift)

    def claim(self, runs: list[tuple[int, int]]) -> tuple[list[Fetch], list[Fetch]]:
        """Fetches for runs that a reader waits for: those on their way, and new ones."""
        joined = [
            fetch
            for fetch in self._table.fetches
            if any(fetch.overlaps(first, stop) for first, stop in runs)
        ]
        new = [
            Fetch(first=first, stop=stop, demanded=True)
            for run in runs
            for first, stop in self._table.unclaimed_runs(*run)
        ]
        self._table.fetches.extend(new)
        return joined, new

    def claim_ahead(self, first: int, stop: int, last: Fetch | None) -> list[Fetch]:
        """Fetches for what nobody waits for yet; what adjoins `last` goes with its request."""
        new: list[Fetch] = []
        for start, end in list(self._table.unclaimed_runs(first, stop)):
            begin = start
            if last is not None and last.stop == begin:
                last.stop = begin = max(begin, min(end, last.first + self._largest))
            new.extend(
                Fetch(first=at, stop=min(at + self._largest, end), demanded=False)
                for at in range(begin, end, self._largest)
            )
        self._table.fetches.extend(new)
        return new

    def give_up(self, fetch: Fetch) -> None:
        """Nobody will run a fetch that was claimed ahead."""
        self._table.fetches.remove(fetch)
        fetch.done = True
        self._table.changed.notify_all()
        self.withdraw(fetch)

    def withdraw(self, fetch: Fetch) -> None:
        """A fetch ahead brought nothing; its granules may be planned again."""
        self._policy.withdraw(fetch.first << self._shift)
