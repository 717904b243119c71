"""Cache files that were changed, cut, swapped or removed: always the right bytes."""

import hashlib
import logging
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vofs.cache.conftest import CacheMaker, read_all
from tests.vofs.cache.sources import CountedSource, some_bytes
from vofs.cache.block_cache import BlockCache

MIB = 1024 * 1024
LARGE = some_bytes(2 * MIB + 4321, seed=1)
SMALL = some_bytes(50_000, seed=2)

Damage = Callable[[Path], None]


def filled(make_cache: CacheMaker) -> BlockCache:
    """A cache that holds a large and a small content, closed and opened anew."""
    cache = make_cache()
    for content_id, data in (("large", LARGE), ("small", SMALL)):
        content = cache.open(content_id, len(data), None)
        read_all(content, CountedSource(data))
        content.close()
    cache.close()
    return make_cache()


def file_of(cache: BlockCache, kind: str) -> Path:
    (path,) = (cache.spool_directory.parent / "content").glob(f"*/*.{kind}")
    return path


def flip(at: int) -> Damage:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 0x10
        path.write_bytes(content)

    return damage


def cut(length: int) -> Damage:
    return lambda path: os.truncate(path, length)


def remove(path: Path) -> None:
    path.unlink()


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fill_with_noise(path: Path) -> None:
    path.write_bytes(random.Random(5).randbytes(path.stat().st_size))


DAMAGES = [
    pytest.param("data", flip(1_000_000), id="a bit of the data"),
    pytest.param("data", flip(-1), id="the last bit of the data"),
    pytest.param("data", cut(0), id="data cut to nothing"),
    pytest.param("data", cut(MIB), id="data cut short"),
    pytest.param("data", remove, id="data removed"),
    pytest.param("data", make_a_folder, id="data is a folder"),
    pytest.param("data", fill_with_noise, id="data is noise"),
    pytest.param("index", flip(20), id="a bit of the identity"),
    pytest.param("index", flip(-9), id="a bit of a record"),
    pytest.param("index", cut(0), id="index cut to nothing"),
    pytest.param("index", cut(1100), id="index cut short"),
    pytest.param("index", remove, id="index removed"),
    pytest.param("index", make_a_folder, id="index is a folder"),
    pytest.param("index", fill_with_noise, id="index is noise"),
    pytest.param("pack", flip(20), id="a bit of a small identity"),
    pytest.param("pack", flip(30_000), id="a bit of a small content"),
    pytest.param("pack", cut(0), id="a small content cut to nothing"),
    pytest.param("pack", cut(40_000), id="a small content cut short"),
    pytest.param("pack", remove, id="a small content removed"),
    pytest.param("pack", fill_with_noise, id="a small content is noise"),
]


@pytest.mark.logs("fetched again")
@pytest.mark.logs("reading without")
@pytest.mark.parametrize(("kind", "damage"), DAMAGES)
def test_damage_between_two_mounts_costs_a_fetch_and_no_wrong_byte(
    make_cache: CacheMaker, kind: str, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    cache = filled(make_cache)
    damage(file_of(cache, kind))
    caplog.clear()
    for content_id, data in (("large", LARGE), ("small", SMALL)):
        content = cache.open(content_id, len(data), None)
        assert read_all(content, CountedSource(data)) == data
        content.close()
    warnings = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(warnings) <= 1


@pytest.mark.logs("fetched again")
@pytest.mark.parametrize("damage", [cut(0), cut(MIB)])
def test_data_that_is_cut_while_open_is_fetched_again(
    make_cache: CacheMaker, damage: Damage
) -> None:
    cache = filled(make_cache)
    source = CountedSource(LARGE)
    content = cache.open("large", len(LARGE), None)
    assert read_all(content, source) == LARGE
    damage(file_of(cache, "data"))
    assert read_all(content, source) == LARGE
    assert read_all(content, source) == LARGE
    assert 0 < source.wire_bytes <= len(LARGE)
    content.close()


@pytest.mark.logs("fetched again")
def test_a_flipped_bit_costs_one_granule(make_cache: CacheMaker) -> None:
    cache = filled(make_cache)
    flip(1_000_000)(file_of(cache, "data"))
    source = CountedSource(LARGE)
    content = cache.open("large", len(LARGE), None)
    assert read_all(content, source) == LARGE
    assert source.wire_bytes == 16 * 1024
    content.close()


@pytest.mark.logs("fetched again")
def test_a_complete_content_damaged_on_disk_is_never_taken_for_wrong_at_the_service(
    make_cache: CacheMaker,
) -> None:
    digest = hashlib.md5(LARGE).hexdigest()
    cache = filled(make_cache)
    for _ in range(3):
        path = file_of(cache, "data")
        path.write_bytes(bytes(path.stat().st_size))
        content = cache.open("large", len(LARGE), digest)
        assert read_all(content, CountedSource(LARGE)) == LARGE
        content.close()
        cache.close()
        assert cache.statistics().damaged_contents == 0
        cache = make_cache()


@pytest.mark.logs("fetched again")
def test_files_swapped_between_contents_are_not_believed(make_cache: CacheMaker) -> None:
    cache = make_cache()
    other = some_bytes(len(LARGE), seed=9)
    for content_id, data in (("one", LARGE), ("two", other)):
        content = cache.open(content_id, len(data), None)
        read_all(content, CountedSource(data))
        content.close()
    cache.close()
    for kind in ("data", "index"):
        first, second = (cache.spool_directory.parent / "content").glob(f"*/*.{kind}")
        third = first.with_suffix(".swap")
        first.rename(third)
        second.rename(first)
        third.rename(second)
    again = make_cache()
    for content_id, data in (("one", LARGE), ("two", other)):
        content = again.open(content_id, len(data), None)
        assert read_all(content, CountedSource(data)) == data
        content.close()


@pytest.mark.logs("fetched again")
def test_a_content_of_another_length_under_the_same_id_replaces_the_old(
    make_cache: CacheMaker,
) -> None:
    cache = filled(make_cache)
    longer = LARGE + b"more"
    content = cache.open("large", len(longer), None)
    assert read_all(content, CountedSource(longer)) == longer
    content.close()


@pytest.mark.logs("reading without")
def test_a_cache_directory_that_vanishes_costs_hits_and_no_read(
    make_cache: CacheMaker,
) -> None:
    cache = filled(make_cache)
    content = cache.open("large", len(LARGE), None)
    shutil.rmtree(cache.spool_directory.parent)
    assert read_all(content, CountedSource(LARGE)) == LARGE
    content.close()
    content = cache.open("small", len(SMALL), None)
    assert read_all(content, CountedSource(SMALL)) == SMALL
    content.close()


@pytest.mark.logs("fetched again")
def test_what_an_older_version_of_the_format_left_is_not_read(make_cache: CacheMaker) -> None:
    cache = filled(make_cache)
    for path in (cache.spool_directory.parent / "content").glob("*/*.pack"):
        content = path.read_bytes()
        path.write_bytes(b"VOFSIDX0" + content[8:])
    opened = cache.open("small", len(SMALL), None)
    source = CountedSource(SMALL)
    assert read_all(opened, source) == SMALL
    assert source.requests == [(0, len(SMALL))]
    opened.close()
