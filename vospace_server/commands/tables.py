"""Tables on a terminal: columns under headings, cut nowhere."""

from collections.abc import Iterable, Sequence
from datetime import datetime


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows under headings, each column as wide as its widest cell."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def shown_time(time: datetime | None, *, never: str = "never") -> str:
    """A time to the minute in UTC, or what its absence means."""
    return never if time is None else f"{time:%Y-%m-%d %H:%M}Z"
