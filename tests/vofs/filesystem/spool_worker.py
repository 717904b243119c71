"""A process that writes into a spool until it is killed; started by tests.

Usage: spool_worker.py DIRECTORY SEED. Writes random bytes to one file, and says after each
write what the file must hold at least: a line "OFFSET SIZE FILLER" per finished write.
"""

import random
import sys
from pathlib import Path

from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.filesystem.spool import Spool


def main() -> None:
    directory, seed = sys.argv[1:]
    cache = BlockCache(CacheConfig(directory=Path(directory), free_disk_bytes=0))
    spool = Spool(directory=cache.spool_directory, service="s", cache=cache)
    chance = random.Random(int(seed))
    file = spool.begin("/killed.fits", None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        offset, size = chance.randrange(500_000), chance.randrange(1, 50_000)
        filler = chance.randrange(1, 256)
        file.write(bytes([filler]) * size, offset)
        sys.stdout.write(f"{offset} {size} {filler}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
