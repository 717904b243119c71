"""Many readers of one cold file: each byte crosses the wire once."""

import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.content import MEBIBYTE, md5, noise
from tests.support.mounts import Mounts
from tests.support.proxy import Proxy
from tests.support.store import Store

SIZE = 160 * MEBIBYTE


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(MEBIBYTE):
            value = zlib.crc32(chunk, value)
    return value


def test_eight_processes_read_one_cold_file_for_the_price_of_one(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy
) -> None:
    data = noise(SIZE)
    store.put(f"{folder}/drk.fits", data)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, service=proxy.url)
    command = ["md5sum", str(mount.path / "drk.fits")]
    readers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    answers = [reader.communicate(timeout=100) for reader in readers]
    assert [out.split()[0].decode() for out, _ in answers] == [md5(data)] * 8
    assert [err for _, err in answers] == [b""] * 8
    assert SIZE <= proxy.data_bytes() <= 1.02 * SIZE


def test_sixty_four_threads_read_one_cold_file_for_the_price_of_one(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy
) -> None:
    data = noise(SIZE, seed=2)
    store.put(f"{folder}/drk.fits", data)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, service=proxy.url)
    with ThreadPoolExecutor(64) as threads:
        found = list(threads.map(_crc32, [mount.path / "drk.fits"] * 64))
    assert set(found) == {zlib.crc32(data)}
    assert proxy.data_bytes() <= 1.02 * SIZE


def test_two_mounts_with_one_cache_fetch_a_file_once(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy
) -> None:
    data = noise(40 * MEBIBYTE, seed=3)
    store.put(f"{folder}/flt.fits", data)
    owner = mounts.space.owner
    first, second = (
        mounts.mount(f"vos:{folder}", user=owner, service=proxy.url, cache="shared")
        for _ in range(2)
    )
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(_crc32, [first.path / "flt.fits", second.path / "flt.fits"]))
    assert set(found) == {zlib.crc32(data)}
    assert proxy.data_bytes() <= 1.02 * len(data)
