"""Writes a run down: the floors first, then every figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floors import FLOORS, Scores
from benchmarks.measuring import Column

HEADING = "# Benchmark results"
PREAMBLE = """\
Every section is one run of `make bench` or `make bench-scale` on one machine, newest first.
Compare figures within a section only. Peers and servers run on loopback beside ours; what
each row does stands in `benchmarks/mount_rows.py`, `server_rows.py` and `scale_rows.py`,
and how each peer is set up in `benchmarks/clients.py`. Times of `make bench` are medians;
bytes and requests are counted by a relay. `docs/speed.md` says why a floor is missed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: the row that measures it, its figure, title and format."""

    row: str
    figure: str
    title: str
    shows: str


LINES = (
    Line(
        row="sequential",
        figure="cold_read",
        title="cold sequential read, MB/s",
        shows="{:,.0f}",
    ),
    Line(
        row="sequential",
        figure="curl_read",
        title="curl from the same server, MB/s",
        shows="{:,.0f}",
    ),
    Line(
        row="sequential",
        figure="page_cache_read",
        title="re-read, page cache, MB/s",
        shows="{:,.0f}",
    ),
    Line(
        row="sequential",
        figure="local_cache_read",
        title="re-read, page cache dropped, MB/s",
        shows="{:,.0f}",
    ),
    Line(
        row="first_blocks",
        figure="first_block_ms",
        title="open + first 2,880 bytes, cold, ms",
        shows="{:.2f}",
    ),
    Line(
        row="first_blocks_wire",
        figure="first_block_kib",
        title="— KiB on the wire",
        shows="{:,.0f}",
    ),
    Line(
        row="first_blocks_wire",
        figure="first_block_requests",
        title="— requests",
        shows="{:.0f}",
    ),
    Line(
        row="first_blocks",
        figure="second_chip_ms",
        title="then the second chip's header at 84 MB, ms",
        shows="{:.2f}",
    ),
    Line(
        row="first_blocks_wire",
        figure="second_chip_kib",
        title="— KiB on the wire",
        shows="{:,.0f}",
    ),
    Line(
        row="random_reads",
        figure="random_mean_ms",
        title="64 KiB at random, cold, mean ms",
        shows="{:.2f}",
    ),
    Line(
        row="random_reads",
        figure="random_p99_ms",
        title="— 99th percentile, ms",
        shows="{:.1f}",
    ),
    Line(
        row="random_reads_wire",
        figure="random_wire_ratio",
        title="— bytes on the wire a useful byte",
        shows="{:.1f}",
    ),
    Line(
        row="parallel_reads",
        figure="parallel_seconds",
        title="8 processes, md5 of one cold file, s",
        shows="{:.2f}",
    ),
    Line(
        row="parallel_reads_wire",
        figure="parallel_wire_ratio",
        title="— bytes on the wire a byte of the file",
        shows="{:.3f}",
    ),
    Line(
        row="listing",
        figure="listing_cold_s",
        title="`ls -lR` of 10,000 files, cold, s",
        shows="{:.2f}",
    ),
    Line(row="listing", figure="listing_warm_s", title="— again, s", shows="{:.3f}"),
    Line(
        row="listing_wire", figure="listing_requests", title="— requests, cold", shows="{:,.0f}"
    ),
    Line(
        row="copy_out",
        figure="copy_out_s",
        title="`cp -r` of 1,000 small files out, s",
        shows="{:.2f}",
    ),
    Line(
        row="copy_out_far",
        figure="copy_out_far_s",
        title="— over a 10 ms round trip, s",
        shows="{:.2f}",
    ),
    Line(row="copy_in", figure="copy_in_s", title="— in, s", shows="{:.2f}"),
    Line(
        row="copy_in_writeback",
        figure="copy_in_writeback_s",
        title="— in, with `-o writeback`, s",
        shows="{:.2f}",
    ),
    Line(
        row="copy_in_writeback",
        figure="copy_in_flushed_s",
        title="— and until all is sent, s",
        shows="{:.2f}",
    ),
    Line(
        row="write_large",
        figure="write_rate",
        title="write 168 MB and close, MB/s",
        shows="{:,.0f}",
    ),
    Line(
        row="memory",
        figure="resident_mib",
        title="memory of the mount, largest, MiB",
        shows="{:.0f}",
    ),
)

SERVER_LINES = (
    ("server_down", "bytes down, MB/s", "{:,.0f}"),
    ("nginx_down", "— nginx", "{:,.0f}"),
    ("server_up", "bytes up, MB/s", "{:,.0f}"),
    ("nginx_up", "— nginx (which neither hashes nor syncs)", "{:,.0f}"),
    ("hashing", "— MD5 and SHA-256 of the same bytes in one thread", "{:,.0f}"),
    ("node_gets", "node GET (XML), 8 connections, a second", "{:,.0f}"),
    ("json_gets", "node GET (JSON), 8 connections, a second", "{:,.0f}"),
    ("bare_gets", "— uvicorn with nothing behind it", "{:,.0f}"),
    ("listed_nodes", "listing of 10,010 nodes, nodes a second", "{:,.0f}"),
    ("listing_first_byte_ms", "— first byte, ms", "{:.1f}"),
    ("creates", "containers made on SQLite, 8 connections, a second", "{:,.0f}"),
)


def section(
    machine: Sequence[str], columns: Sequence[Column], server: Column, remarks: Sequence[str]
) -> str:
    """The Markdown of one run."""
    scores = Scores(columns={column.name: column for column in columns}, server=server.figures)
    parts = [heading_of(machine, remarks).rstrip(), "### Floors", _floors(scores)]
    if columns:
        parts += ["### Mounts", _mounts(columns)]
    parts += ["### Server, one process", _server(server)]
    return "\n\n".join(parts) + "\n"


def heading_of(machine: Sequence[str], remarks: Sequence[str]) -> str:
    """The title of a section, and what was measured on which machine."""
    title = machine[0].removeprefix("date: ")
    lines = "\n".join(f"- {line}" for line in [*machine[1:], *remarks])
    return f"## {title}\n\n{lines}\n\n"


def insert_section(results: Path, text: str) -> None:
    """Puts a section before the older ones."""
    older = ""
    if results.exists():
        older = results.read_text(encoding="utf-8").partition("\n## ")[2]
    older = f"\n## {older}" if older else ""
    results.write_text(f"{HEADING}\n\n{PREAMBLE}\n{text}{older}", encoding="utf-8")


def _floors(scores: Scores) -> str:
    rows = ((floor.what, floor.asks, *floor.judge(scores)) for floor in FLOORS)
    return _table(("what", "floor", "here", "verdict"), rows)


def _mounts(columns: Sequence[Column]) -> str:
    rows = ((line.title, *(_cell(column, line) for column in columns)) for line in LINES)
    return _table(("", *(column.name for column in columns)), rows)


def _cell(column: Column, line: Line) -> str:
    if line.figure in column.figures:
        return line.shows.format(column.figures[line.figure])
    return column.says(line.row) or "-"


def _server(server: Column) -> str:
    rows = (
        (title, shows.format(server.figures[name]) if name in server.figures else "failed")
        for name, title, shows in SERVER_LINES
    )
    return _table(("", "figure"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
