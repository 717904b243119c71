"""A process that uses a cache directory as a mount does; started and killed by tests.

Usage: cache_worker.py DIRECTORY CONTENTS LENGTH MODE SEED. What it asks its source for is
appended to the file `wire` beside the directory, a line per request. Modes: "stream" reads each
content once; "random" reads at random places until killed. Exits 1 on the first wrong byte.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.vofs.cache.sources import some_bytes
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig

STEP = 131072


class LoggedSource:
    """Bytes in memory; requests are counted in a file that all processes share."""

    def __init__(self, data: bytes, log: int) -> None:
        self._data = data
        self._log = log

    def fetch(self, start: int, stop: int) -> Iterator[bytes]:
        os.write(self._log, f"{start} {stop}\n".encode())
        for at in range(start, stop, 65536):
            time.sleep(0.002)
            yield self._data[at : min(at + 65536, stop)]


def tell(line: str) -> None:
    """Say something to the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def check(cache: BlockCache, number: int, data: bytes, offset: int, log: int) -> None:
    """Read one step of one content and compare it."""
    content = cache.open(f"content-{number}", len(data), None)
    buffer = memoryview(bytearray(STEP))
    read = content.read_into(buffer, offset, LoggedSource(data, log))
    if buffer[:read].tobytes() != data[offset : offset + STEP]:
        tell(f"wrong bytes of content {number} at {offset}")
        os._exit(1)
    content.close()


def main() -> None:
    directory, contents, length, mode, seed = sys.argv[1:]
    data = [some_bytes(int(length), seed=number) for number in range(int(contents))]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log = os.open(Path(directory).parent / "wire", flags, 0o600)
    config = CacheConfig(
        directory=Path(directory), limit_bytes=64 << 20, free_disk_bytes=0, read_seconds=30
    )
    cache = BlockCache(config)
    tell("ready")
    if mode == "stream":
        for number, content in enumerate(data):
            opened = cache.open(f"content-{number}", len(content), None)
            for offset in range(0, len(content), STEP):
                check(cache, number, content, offset, log)
            opened.close()
        cache.close()
        return
    chooser = random.Random(int(seed))
    while True:
        number = chooser.randrange(len(data))
        check(cache, number, data[number], chooser.randrange(len(data[number])), log)
        if chooser.random() < 0.02:
            cache.evict(f"content-{number}")


if __name__ == "__main__":
    main()
