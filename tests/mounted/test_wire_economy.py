"""Only what is asked for crosses the wire: headers, pieces of images, random reads."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.proxy import Proxy
from tests.support.space import Space
from tests.support.store import Store

KIBIBYTE = 1024


@pytest.fixture(scope="session")
def dark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dark of ACS's structure: two chips of SCI, ERR and DQ, 168 MB."""
    path = tmp_path_factory.mktemp("dark") / "drk.fits"
    pixels = np.arange(2048 * 4096, dtype=np.float32).reshape(2048, 4096)
    hdus = [fits.PrimaryHDU()]
    for chip in (1, 2):
        for name, dtype in (("SCI", "f4"), ("ERR", "f4"), ("DQ", "i2")):
            hdus.append(
                fits.ImageHDU((pixels % 1000 + chip).astype(dtype), name=name, ver=chip)
            )
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture
def mounted_dark(
    mounts: Mounts, shared_space: Space, store: Store, folder: str, proxy: Proxy, dark: Path
) -> Path:
    """The cold dark in a mount, and a proxy that has counted nothing yet."""
    store.put(f"{folder}/drk.fits", dark.read_bytes())
    mount = mounts.mount(f"vos:{folder}", user=shared_space.owner, service=proxy.url)
    proxy.forget()
    return mount.path / "drk.fits"


def test_first_block_of_a_cold_file_costs_three_requests(
    mounted_dark: Path, proxy: Proxy
) -> None:
    descriptor = os.open(mounted_dark, os.O_RDONLY)
    assert os.read(descriptor, 2880).startswith(b"SIMPLE  =                    T")
    os.close(descriptor)
    assert proxy.data_bytes() <= 256 * KIBIBYTE
    assert len(proxy.seen) <= 3


def test_headers_of_all_extensions_cost_less_than_a_megabyte(
    mounted_dark: Path, proxy: Proxy
) -> None:
    with fits.open(mounted_dark) as hdus:
        assert [(hdu.name, hdu.ver) for hdu in hdus][4] == ("SCI", 2)
    assert proxy.data_bytes() <= MEBIBYTE


def test_three_pixels_of_a_memory_mapped_image_cost_less_than_a_megabyte(
    mounted_dark: Path, proxy: Proxy
) -> None:
    program = (
        "import sys\nfrom astropy.io import fits\n"
        "with fits.open(sys.argv[1]) as hdus:\n"
        "    print(hdus['SCI', 2].data[1000, 2000:2003].tolist())"
    )
    command = [sys.executable, "-c", program, str(mounted_dark)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    first = 1000 * 4096 + 2000
    # Whole numbers up to 2**24 are exact in float32, as the pixels were made.
    expected = [float((first + step) % 1000 + 2) for step in range(3)]
    assert done.stdout.strip() == str(expected)
    assert proxy.data_bytes() <= MEBIBYTE


def test_random_reads_cost_at_most_twice_their_bytes(
    mounts: Mounts, shared_space: Space, store: Store, folder: str, proxy: Proxy
) -> None:
    data = noise(128 * MEBIBYTE)
    store.put(f"{folder}/f", data)
    mount = mounts.mount(f"vos:{folder}", user=shared_space.owner, service=proxy.url)
    proxy.forget()
    chance = random.Random(7)
    descriptor = os.open(mount.path / "f", os.O_RDONLY)
    size = 64 * KIBIBYTE
    places = [chance.randrange(len(data) - size) for _ in range(100)]
    for place in places:
        assert os.pread(descriptor, size, place) == data[place : place + size]
    os.close(descriptor)
    assert proxy.data_bytes() <= 2 * size * len(places)


def test_two_hundred_names_are_listed_with_attributes_in_a_few_requests(
    mounts: Mounts, shared_space: Space, store: Store, folder: str, proxy: Proxy
) -> None:
    for number in range(200):
        store.put(f"{folder}/f{number:03}", b"x" * number)
    mount = mounts.mount(f"vos:{folder}", user=shared_space.owner, service=proxy.url)
    proxy.forget()
    listed = subprocess.run(
        ["ls", "-l", str(mount.path)], capture_output=True, text=True, check=True, timeout=60
    )
    sizes = [int(line.split()[4]) for line in listed.stdout.splitlines()[1:]]
    assert sizes == list(range(200))
    assert len(proxy.seen) <= 3
