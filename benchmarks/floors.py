"""The floors of the product's contract, judged by the figures of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measuring import Column

PEERS = ("rclone", "sshfs", "s3fs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The figures of a run by column; asking for one that is missing raises KeyError."""

    columns: Mapping[str, Column]
    server: Mapping[str, float]

    def ours(self, name: str) -> float:
        """A figure of our mount."""
        return self.columns["mountvofs"].figures[name]

    def native(self, name: str) -> float:
        """A figure of the local disk."""
        return self.columns["native disk"].figures[name]

    def peers(self, name: str) -> list[float]:
        """The figure of every peer that has it; KeyError when none has."""
        columns = [self.columns[peer] for peer in PEERS if peer in self.columns]
        found = [column.figures[name] for column in columns if name in column.figures]
        if not found:
            raise KeyError(name)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """One line of the contract: what is asked, the score, and the limit that it must keep."""

    what: str
    asks: str
    score: Callable[[Scores], float]
    limit: float
    shows: str
    is_ceiling: bool = False

    def judge(self, scores: Scores) -> tuple[str, str]:
        """The score as text, and the verdict."""
        try:
            value = self.score(scores)
        except KeyError as missing:
            return "-", f"not measured ({missing.args[0]})"
        is_met = value <= self.limit if self.is_ceiling else value >= self.limit
        return self.shows.format(value), "met" if is_met else "**missed**"


FLOORS = (
    Floor(
        what="cold sequential read",
        asks="≥ 0.8 x curl from the same server",
        score=lambda s: s.ours("cold_read") / s.ours("curl_read"),
        limit=0.8,
        shows="{:.2f} x",
    ),
    Floor(
        what="cold sequential read",
        asks="faster than every peer",
        score=lambda s: s.ours("cold_read") / max(s.peers("cold_read")),
        limit=1.0,
        shows="{:.2f} x the best peer",
    ),
    Floor(
        what="re-read in page cache",
        asks="≥ 0.95 x native",
        score=lambda s: s.ours("page_cache_read") / s.native("page_cache_read"),
        limit=0.95,
        shows="{:.2f} x",
    ),
    Floor(
        what="read from the block cache, page cache dropped",
        asks="≥ s3fs",
        score=lambda s: (
            s.ours("local_cache_read") / s.columns["s3fs"].figures["local_cache_read"]
        ),
        limit=1.0,
        shows="{:.2f} x",
    ),
    Floor(
        what="first 2,880 bytes of the cold large file",
        asks="≤ 256 KiB on the wire",
        score=lambda s: s.ours("first_block_kib"),
        limit=256,
        shows="{:.0f} KiB",
        is_ceiling=True,
    ),
    Floor(
        what="first 2,880 bytes of the cold large file",
        asks="≤ 3 round trips",
        score=lambda s: s.ours("first_block_requests"),
        limit=3,
        shows="{:.0f}",
        is_ceiling=True,
    ),
    Floor(
        what="8 processes read one cold file",
        asks="1.00 x its bytes on the wire",
        score=lambda s: s.ours("parallel_wire_ratio"),
        limit=1.005,
        shows="{:.3f} x, headers included",
        is_ceiling=True,
    ),
    Floor(
        what="`ls -lR` of 10,000 files, cold",
        asks="≤ 2 s",
        score=lambda s: s.ours("listing_cold_s"),
        limit=2.0,
        shows="{:.2f} s",
        is_ceiling=True,
    ),
    Floor(
        what="`ls -lR` of 10,000 files, cold",
        asks="≤ 12 requests",
        score=lambda s: s.ours("listing_requests"),
        limit=12,
        shows="{:.0f}",
        is_ceiling=True,
    ),
    Floor(
        what="`ls -lR` of 10,000 files, again",
        asks="≥ 0.5 x native",
        score=lambda s: s.native("listing_warm_s") / s.ours("listing_warm_s"),
        limit=0.5,
        shows="{:.2f} x",
    ),
    Floor(
        what="64 KiB random reads of a cold file",
        asks="≤ 2 bytes on the wire a useful byte",
        score=lambda s: s.ours("random_wire_ratio"),
        limit=2.0,
        shows="{:.2f}",
        is_ceiling=True,
    ),
    Floor(
        what="`cp -r` of 1,000 small files out",
        asks="faster than every peer",
        score=lambda s: min(s.peers("copy_out_s")) / s.ours("copy_out_s"),
        limit=1.0,
        shows="{:.2f} x the best peer",
    ),
    Floor(
        what="`cp -r` of 1,000 small files in",
        asks="faster than every peer",
        score=lambda s: min(s.peers("copy_in_s")) / s.ours("copy_in_s"),
        limit=1.0,
        shows="{:.2f} x the best peer",
    ),
    Floor(
        what="the same in with `-o writeback`",
        asks="faster than every peer",
        score=lambda s: min(s.peers("copy_in_s")) / s.ours("copy_in_writeback_s"),
        limit=1.0,
        shows="{:.2f} x the best peer",
    ),
    Floor(
        what="the same in with `-o writeback`",
        asks="≥ 5 x without",
        score=lambda s: s.ours("copy_in_s") / s.ours("copy_in_writeback_s"),
        limit=5.0,
        shows="{:.1f} x",
    ),
    Floor(
        what="the same out over a 10 ms round trip",
        asks="≤ 1.3 s",
        score=lambda s: s.ours("copy_out_far_s"),
        limit=1.3,
        shows="{:.2f} s",
        is_ceiling=True,
    ),
    Floor(
        what="memory of the mount",
        asks="≤ 120 MiB resident",
        score=lambda s: s.ours("resident_mib"),
        limit=120,
        shows="{:.0f} MiB at its largest",
        is_ceiling=True,
    ),
    Floor(
        what="server: bytes down, one process",
        asks="≥ 0.8 x nginx",
        score=lambda s: s.server["server_down"] / s.server["nginx_down"],
        limit=0.8,
        shows="{:.2f} x",
    ),
    Floor(
        what="server: bytes up, one process",
        asks="≥ 0.8 x hashing",
        score=lambda s: s.server["server_up"] / s.server["hashing"],
        limit=0.8,
        shows="{:.2f} x",
    ),
    Floor(
        what="server: node GET, one process (at 11,000 nodes)",
        asks="≥ 1,000/s",
        score=lambda s: s.server["node_gets"],
        limit=1000,
        shows="{:,.0f}/s",
    ),
    Floor(
        what="server: a long listing (of 10,000 children)",
        asks="≥ 20,000 nodes/s",
        score=lambda s: s.server["listed_nodes"],
        limit=20_000,
        shows="{:,.0f}/s",
    ),
    Floor(
        what="server: a long listing (of 10,000 children)",
        asks="first byte < 100 ms",
        score=lambda s: s.server["listing_first_byte_ms"],
        limit=100,
        shows="{:.0f} ms",
        is_ceiling=True,
    ),
)
