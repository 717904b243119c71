"""Random operations on a cache, restarts and damage among them, against plain bytes."""

import logging
import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override

from tests.vofs.cache.conftest import read
from tests.vofs.cache.sources import CountedSource, some_bytes
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.cache.cached_content import CachedContent

KIB = 1024
LENGTHS = [1, 5000, 128 * KIB, 128 * KIB + 1, 700_001, 5 * 1024 * KIB]
CONTENTS = {f"c{at}": some_bytes(length, seed=at) for at, length in enumerate(LENGTHS)}
NAMES = st.sampled_from(sorted(CONTENTS))
LIMIT = 3 * 1024 * KIB


class CacheModel(RuleBasedStateMachine):
    """The system is a cache on a disk; the model is the contents themselves."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.is_damaged = False
        self.opened: dict[str, CachedContent] = {}
        logging.getLogger("vofs").setLevel(logging.CRITICAL)
        self.begin()

    def begin(self) -> None:
        config = CacheConfig(directory=self.folder, limit_bytes=LIMIT, free_disk_bytes=0)
        self.cache = BlockCache(config)

    def content(self, name: str) -> CachedContent:
        if name not in self.opened:
            self.opened[name] = self.cache.open(name, len(CONTENTS[name]), None)
        return self.opened[name]

    @rule(name=NAMES, place=st.floats(0, 1), size=st.integers(1, 300_000))
    def read_some(self, name: str, place: float, size: int) -> None:
        data = CONTENTS[name]
        offset = int(place * len(data))
        found = read(self.content(name), CountedSource(data), offset, size)
        assert found == data[offset : offset + size]

    @rule(name=NAMES)
    def read_without_server_if_it_is_said_to_be_there(self, name: str) -> None:
        data = CONTENTS[name]
        if not self.cache.has(name, len(data)):
            return
        source = CountedSource(data)
        assert read(self.content(name), source, 0, len(data)) == data
        # Damage is found when it is read.
        assert source.requests == [] or self.is_damaged

    @rule(name=NAMES)
    def fail_to_read(self, name: str) -> None:
        source = CountedSource(CONTENTS[name])
        source.failures = [ConnectionError("gone")]
        try:
            read(self.content(name), source, 0, 200_000)
        except ConnectionError:
            assert source.failures == []

    @rule(name=NAMES)
    def put_whole(self, name: str) -> None:
        self.cache.put_whole(name, CONTENTS[name], None)

    @rule(name=NAMES)
    def adopt(self, name: str) -> None:
        path = self.cache.spool_directory / "finished"
        path.write_bytes(CONTENTS[name])
        self.cache.adopt(name, None, path)
        assert not path.exists()

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.cache.evict(name)

    @rule(name=NAMES)
    def close_one(self, name: str) -> None:
        if name in self.opened:
            self.opened.pop(name).close()

    @rule()
    def restart(self) -> None:
        for content in self.opened.values():
            content.close()
        self.opened.clear()
        self.cache.close()
        self.begin()

    @rule(seed=st.integers(0, 1000), length=st.integers(1, 40_000))
    def damage_a_file(self, seed: int, length: int) -> None:
        """Between two mounts: what changes under an open file nobody can see."""
        self.restart()
        chance = random.Random(seed)
        files = sorted(path for path in (self.folder / "content").glob("*/*") if path.is_file())
        if not files:
            return
        self.is_damaged = True
        path = chance.choice(files)
        with path.open("r+b") as file:
            file.seek(chance.randrange(path.stat().st_size + 1))
            file.write(chance.randbytes(length))

    @invariant()
    def the_limit_is_kept(self) -> None:
        if hasattr(self, "cache"):
            assert self.cache.statistics().stored_bytes <= LIMIT

    @override
    def teardown(self) -> None:
        logging.getLogger("vofs").setLevel(logging.NOTSET)
        if hasattr(self, "cache"):
            self.restart()
            self.cache.close()
            shutil.rmtree(self.folder)


TestCacheModel = CacheModel.TestCase
TestCacheModel.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
