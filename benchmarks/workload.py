"""The reads and writes that are timed, each in a process of its own so that it can be given up.

`python -m benchmarks.workload NAME PATH…` prints seconds as JSON. What the interpreter needs
to start is not counted: the clock runs around the system calls only.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

CHUNK_BYTES = 1024 * 1024
HEADER_BYTES = 2880
RANDOM_BYTES = 64 * 1024
RANDOM_READS = 200


def read_whole(path: Path) -> dict[str, float]:
    """Reads the file from its first to its last byte."""
    buffer = bytearray(CHUNK_BYTES)
    started = time.perf_counter()
    descriptor = os.open(path, os.O_RDONLY)
    while os.readv(descriptor, [buffer]):
        pass
    os.close(descriptor)
    return {"seconds": time.perf_counter() - started}


def read_block(path: Path, offset: str) -> dict[str, float]:
    """Opens the file and reads one FITS block at the offset."""
    started = time.perf_counter()
    descriptor = os.open(path, os.O_RDONLY)
    length = len(os.pread(descriptor, HEADER_BYTES, int(offset)))
    seconds = time.perf_counter() - started
    os.close(descriptor)
    return {"seconds": seconds, "bytes": float(length)}


def read_randomly(path: Path) -> dict[str, float]:
    """Reads 64 KiB at 200 places, the same places for everyone."""
    places = random.Random(2880)  # noqa: S311 - places to read, not secrets
    most = path.stat().st_size // RANDOM_BYTES - 1
    descriptor = os.open(path, os.O_RDONLY)
    durations = []
    for _ in range(RANDOM_READS):
        offset = places.randint(0, most) * RANDOM_BYTES
        started = time.perf_counter()
        os.pread(descriptor, RANDOM_BYTES, offset)
        durations.append(time.perf_counter() - started)
    os.close(descriptor)
    return {
        "mean_seconds": statistics.fmean(durations),
        "p99_seconds": statistics.quantiles(durations, n=100)[-1],
    }


def write_whole(source: Path, target: str) -> dict[str, float]:
    """Writes the bytes of `source` to `target` and closes it; reading them is not counted."""
    content = source.read_bytes()
    started = time.perf_counter()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for offset in range(0, len(content), CHUNK_BYTES):
        os.write(descriptor, memoryview(content)[offset : offset + CHUNK_BYTES])
    os.close(descriptor)
    return {"seconds": time.perf_counter() - started}


def main(words: list[str]) -> None:
    """Runs the named workload and prints its figures."""
    name, path, *rest = words
    match name:
        case "read":
            figures = read_whole(Path(path))
        case "block":
            figures = read_block(Path(path), rest[0])
        case "random":
            figures = read_randomly(Path(path))
        case "write":
            figures = write_whole(Path(path), rest[0])
        case _:
            raise SystemExit(f"no workload {name!r}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
