"""What is measured of a mount. Each function makes fresh mounts and returns figures by name."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.dataset import FILES_PER_LISTED_FOLDER, LISTED_FOLDERS, SECOND_CHIP_OFFSET
from benchmarks.page_cache import drop_page_cache
from benchmarks.processes import finish, resident_mib
from benchmarks.session import (
    ROW_SECONDS,
    Session,
    require,
    require_same_files,
    timed,
    workload,
)
from benchmarks.workload import HEADER_BYTES, RANDOM_BYTES, RANDOM_READS

Figures = dict[str, float]
READERS = 8
ROUND_TRIP_SECONDS = 0.010
# Read-ahead that was started goes on for a moment after the read that caused it.
SETTLE_SECONDS = 2.0
MB = 1e6


def sequential(session: Session) -> Figures:
    """The large file, whole: cold, again, and again without the page cache."""
    rate = session.dataset.large_bytes / MB
    with session.mounted() as mounted:
        path = mounted.folder / session.dataset.large.name
        figures = {}
        for name in ("cold_read", "page_cache_read", "local_cache_read"):
            if name == "local_cache_read":
                drop_page_cache()
            figures[name] = rate / workload("read", path)["seconds"]
        seconds = session.download_seconds()
        if seconds is not None:
            figures["curl_read"] = rate / seconds
    return figures


def first_blocks(session: Session) -> Figures:
    """The first FITS block of the cold file, then the header of its second chip."""
    with session.mounted() as mounted:
        path = mounted.folder / session.dataset.large.name
        first = workload("block", path, "0")
        second = workload("block", path, str(SECOND_CHIP_OFFSET))
    require(first["bytes"] == second["bytes"] == HEADER_BYTES, "a short read")
    return {
        "first_block_ms": first["seconds"] * 1e3,
        "second_chip_ms": second["seconds"] * 1e3,
    }


def first_blocks_wire(session: Session) -> Figures:
    """What the same two reads bring over the wire, read-ahead included."""
    figures = {}
    with session.relayed() as (mounted, wire):
        path = mounted.folder / session.dataset.large.name
        for name, offset in (("first_block", 0), ("second_chip", SECOND_CHIP_OFFSET)):
            before = wire.counts()
            workload("block", path, str(offset))
            time.sleep(SETTLE_SECONDS)
            after = wire.counts()
            figures[f"{name}_kib"] = (after.bytes_down - before.bytes_down) / 1024
            if session.client.speaks_http:
                figures[f"{name}_requests"] = float(after.requests - before.requests)
    return figures


def random_reads(session: Session) -> Figures:
    """64 KiB at 200 places of the cold file."""
    with session.mounted() as mounted:
        figures = workload("random", mounted.folder / session.dataset.large.name)
    return {
        "random_mean_ms": figures["mean_seconds"] * 1e3,
        "random_p99_ms": figures["p99_seconds"] * 1e3,
    }


def random_reads_wire(session: Session) -> Figures:
    """Bytes on the wire for each byte that the random reads asked for."""
    with session.relayed() as (mounted, wire):
        before = wire.counts()
        workload("random", mounted.folder / session.dataset.large.name)
        time.sleep(SETTLE_SECONDS)
        down = wire.counts().bytes_down - before.bytes_down
    return {"random_wire_ratio": down / (RANDOM_READS * RANDOM_BYTES)}


def parallel_reads(session: Session) -> Figures:
    """Eight processes that read the same cold file at once."""
    with session.mounted() as mounted:
        seconds = _digest_in_parallel(session, mounted.folder)
    return {"parallel_seconds": seconds}


def parallel_reads_wire(session: Session) -> Figures:
    """How often the eight together fetch the file."""
    with session.relayed() as (mounted, wire):
        before = wire.counts()
        _digest_in_parallel(session, mounted.folder)
        down = wire.counts().bytes_down - before.bytes_down
    return {"parallel_wire_ratio": down / session.dataset.large_bytes}


def _digest_in_parallel(session: Session, folder: Path) -> float:
    expected = hashlib.md5(
        session.dataset.large.read_bytes(), usedforsecurity=False
    ).hexdigest()
    path = folder / session.dataset.large.name
    started = time.perf_counter()
    readers = [
        subprocess.Popen(["md5sum", path], stdout=subprocess.PIPE, text=True)
        for _ in range(READERS)
    ]
    try:
        printed = [reader.communicate(timeout=ROW_SECONDS)[0] for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
    seconds = time.perf_counter() - started
    require(all(text.startswith(expected) for text in printed), "a reader got other bytes")
    return seconds


def listing(session: Session) -> Figures:
    """`ls -lR` of the 10,000 files, cold and again."""
    with session.mounted() as mounted:
        cold, warm = (_list_all(mounted.folder) for _ in range(2))
    return {"listing_cold_s": cold, "listing_warm_s": warm}


def listing_wire(session: Session) -> Figures:
    """The requests of the cold `ls -lR`."""
    with session.relayed() as (mounted, wire):
        before = wire.counts()
        _list_all(mounted.folder)
        after = wire.counts()
    if not session.client.speaks_http:
        return {}
    return {"listing_requests": float(after.requests - before.requests)}


def _list_all(folder: Path) -> float:
    started = time.perf_counter()
    printed = finish(["ls", "-lR", folder / "listed"], timeout_seconds=ROW_SECONDS)
    seconds = time.perf_counter() - started
    files = printed.count("listed_")
    require(files == LISTED_FOLDERS * FILES_PER_LISTED_FOLDER, f"only {files} files listed")
    return seconds


def copy_out(session: Session) -> Figures:
    """`cp -r` of 1,000 cold small files to the local disk."""
    with session.mounted() as mounted:
        return {"copy_out_s": _copy_out(session, mounted.folder)}


def copy_out_far(session: Session) -> Figures:
    """The same with a server 10 ms away."""
    if session.client.command is None:
        return {}
    with session.relayed(round_trip_seconds=ROUND_TRIP_SECONDS) as (mounted, _):
        return {"copy_out_far_s": _copy_out(session, mounted.folder)}


def _copy_out(session: Session, folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=session.endpoint.state) as target:
        copy = Path(target) / "small"
        seconds = timed(["cp", "-r", folder / "small", copy])
        require_same_files(session.dataset.small, copy)
    return seconds


def copy_in(session: Session) -> Figures:
    """`cp -r` of 1,000 small files from the local disk into the mount."""
    with session.mounted() as mounted:
        target = mounted.folder / "copied"
        try:
            seconds = timed(["cp", "-r", session.dataset.small, target])
            require_same_files(session.dataset.small, target)
        finally:
            shutil.rmtree(target, ignore_errors=True)
    return {"copy_in_s": seconds}


def copy_in_writeback(session: Session) -> Figures:
    """The same with uploads in the background: until `cp` returns, and until all is sent."""
    client = session.client
    if client.writeback is None or client.flush is None:
        return {}
    in_background = replace(session, client=replace(client, command=client.writeback))
    with in_background.mounted() as mounted:
        target = mounted.folder / "copied"
        try:
            returned = timed(["cp", "-r", session.dataset.small, target])
            flushed = timed(client.flush(mounted.folder))
            require_same_files(session.dataset.small, target)
        finally:
            shutil.rmtree(target, ignore_errors=True)
    return {"copy_in_writeback_s": returned, "copy_in_flushed_s": returned + flushed}


def write_large(session: Session) -> Figures:
    """The large file written and closed, without asking for it to be on a disk."""
    with session.mounted() as mounted:
        target = mounted.folder / "written.fits"
        try:
            seconds = workload("write", session.dataset.large, target)["seconds"]
            finish(["cmp", session.dataset.large, target], timeout_seconds=ROW_SECONDS)
        finally:
            target.unlink(missing_ok=True)
    return {"write_rate": session.dataset.large_bytes / MB / seconds}


def memory(session: Session) -> Figures:
    """The mount's largest resident size after a large read, a long listing and many files."""
    with session.mounted() as mounted:
        if mounted.pid is None:
            return {}
        workload("read", mounted.folder / session.dataset.large.name)
        _list_all(mounted.folder)
        _copy_out(session, mounted.folder)
        return {"resident_mib": resident_mib(mounted.pid)}


# What is timed is repeated and the median taken; what is counted is counted once.
TIMED: tuple[Callable[[Session], Figures], ...] = (
    sequential,
    first_blocks,
    random_reads,
    parallel_reads,
    listing,
    copy_out,
    copy_out_far,
    copy_in,
    copy_in_writeback,
    write_large,
)
COUNTED: tuple[Callable[[Session], Figures], ...] = (
    first_blocks_wire,
    random_reads_wire,
    parallel_reads_wire,
    listing_wire,
    memory,
)
