"""Which bytes of a file were written: disjoint ranges in order."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class WrittenRanges:
    """A set of byte positions, kept as ranges [start, stop) that never touch one another."""

    __slots__ = ("_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._stops, strict=True)

    def add(self, start: int, stop: int) -> None:
        """Count these bytes as written."""
        if start >= stop:
            return
        # All ranges that overlap or touch the new one become part of it.
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def cut(self, stop: int) -> None:
        """Forget everything from here on."""
        keep = bisect_left(self._starts, stop)
        del self._starts[keep:]
        del self._stops[keep:]
        if keep and self._stops[-1] > stop:
            self._stops[-1] = stop

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, bool]]:
        """Divide a range into pieces that are written (True) or not, in order."""
        position = start
        for number in range(bisect_right(self._stops, start), len(self._starts)):
            if self._starts[number] >= stop:
                break
            if position < self._starts[number]:
                yield position, self._starts[number], False
                position = self._starts[number]
            end = min(self._stops[number], stop)
            yield position, end, True
            position = end
        if position < stop:
            yield position, stop, False

    def gaps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The pieces of a range that are not written."""
        return [(a, b) for a, b, is_written in self.pieces(start, stop) if not is_written]
