"""Workers: what they read, what they give, and how they end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from typing_extensions import override

from tests.support.fits_files import (
    corrected,
    file_of,
    grid,
    image,
    opened,
    pixels,
    sky_header,
)
from vospace_model.faults import (
    InvalidArgument,
    InvalidData,
    OperationNotSupported,
    ServiceBusy,
)
from vospace_server.fits import process
from vospace_server.fits.process import Cutout, CutoutJob, FitsWorkers
from vospace_server.storage.memory import MemoryReader
from vospace_server.storage.object_store import StoreError

# Rows so long that what lies between two sections of them is not read over.
WIDE = 40_000


@pytest.fixture(scope="module")
def workers() -> Iterator[FitsWorkers]:
    with closing(FitsWorkers(concurrent=2)) as made:
        yield made


@contextmanager
def begun(workers: FitsWorkers, content: bytes, **parameters: str) -> Iterator[Cutout]:
    job = CutoutJob(parameters=tuple(parameters.items()), name="x.fits")
    with closing(workers.begin(MemoryReader(content), job)) as cutout:
        yield cutout


def cut(workers: FitsWorkers, content: bytes, **parameters: str) -> tuple[bytes, int]:
    """A whole part, and how many bytes of the file were read for it."""
    with begun(workers, content, **parameters) as cutout:
        head = cutout.head()
        assert head.found
        made = b"".join(iter(cutout.next_chunk, b""))
        assert len(made) == head.length
        return made, cutout.fetched_bytes


def is_running(number: int) -> bool:
    """Whether a process lives; one that nobody has asked for its end yet does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def test_of_an_image_only_the_rows_that_are_needed_are_read(workers: FitsWorkers) -> None:
    content = file_of(fits.PrimaryHDU(pixels(300, WIDE)))

    made, fetched = cut(workers, content, SUB="[0][101:400,11:30]")

    assert np.array_equal(opened(made)[0].data, pixels(300, WIDE)[10:30, 100:400])
    # A header, and for each row what a request fetches at least.
    assert fetched <= 12_000 * 22 < len(content) / 40


def test_rows_that_lie_close_together_come_in_few_requests(workers: FitsWorkers) -> None:
    content = file_of(fits.PrimaryHDU(pixels(4000, 1000)))
    requests: list[int] = []

    class Counting(MemoryReader):
        @override
        def read_at(self, offset: int, size: int) -> bytes:
            requests.append(size)
            return super().read_at(offset, size)

    job = CutoutJob(parameters=(("SUB", "[1:100,*]"),), name="x")
    with closing(workers.begin(Counting(content), job)) as cutout:
        cutout.head()
        made = b"".join(iter(cutout.next_chunk, b""))

    assert np.array_equal(opened(made)[0].data, pixels(4000, 1000)[:, :100])
    assert len(requests) < 20


def test_of_a_compressed_image_only_the_tiles_that_are_needed_are_read(
    workers: FitsWorkers,
) -> None:
    data = pixels(1000, 1000)
    hdu = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=(100, 100))
    content = file_of(fits.PrimaryHDU(), hdu)

    made, fetched = cut(workers, content, SUB="[1][250:260,740:770]")

    assert np.array_equal(opened(made)[0].data, data[739:770, 249:260])
    assert fetched < len(content) / 10


def test_a_tile_of_any_size_is_cut(workers: FitsWorkers) -> None:
    data = pixels(3000, 2500)
    hdu = fits.CompImageHDU(data, compression_type="GZIP_1", tile_shape=(3000, 2500))
    banded = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=(1000, 700))
    content = file_of(fits.PrimaryHDU(), hdu, banded)

    for section in ("[1]", "[2]", "[2][5:2400,900:2100]", "[1][*,3000:1:1000]"):
        made, _ = cut(workers, content, SUB=section)
        expected = {
            "[2][5:2400,900:2100]": data[899:2100, 4:2400],
            "[1][*,3000:1:1000]": data[::-1000],
        }.get(section, data)
        assert np.array_equal(opened(made)[0].data, expected)


def test_of_a_cube_only_the_planes_that_are_needed_are_read(workers: FitsWorkers) -> None:
    cube = pixels(50, 100, 200)
    content = file_of(fits.PrimaryHDU(cube))

    made, fetched = cut(workers, content, SUB="[*,*,7:8]")

    assert np.array_equal(opened(made)[0].data, cube[6:8])
    assert fetched < len(content) / 10


def test_of_distortion_tables_only_those_that_are_named_are_read(workers: FitsWorkers) -> None:
    header = corrected(sky_header(1000, 500), first_table=1)
    image = fits.ImageHDU(pixels(500, 1000), header, name="SCI", ver=1)
    beside = fits.ImageHDU(pixels(500, 1000), name="DQ", ver=1)
    tables = [grid(name, number) for name in ("WCSDVARR", "D2IMARR") for number in (1, 2)]
    unused = fits.ImageHDU(pixels(500, 1000), name="WCSDVARR", ver=3)
    content = file_of(fits.PrimaryHDU(), image, beside, *tables, unused)

    made, fetched = cut(workers, content, SUB="[SCI,1][101:120,11:13]")

    assert [hdu.name for hdu in opened(made)[1:]] == ["WCSDVARR", "D2IMARR"] * 2
    assert fetched < 150_000 < len(content) / 20


def test_no_table_is_looked_for_that_nothing_names(workers: FitsWorkers) -> None:
    image = fits.PrimaryHDU(pixels(300, 400), sky_header(400, 300))
    others = [fits.ImageHDU(pixels(100, 200), name=f"N{number}") for number in range(30)]
    content = file_of(image, *others)

    _, fetched = cut(workers, content, SUB="[0][1:9,1:9]")

    assert fetched < 30_000


def test_of_all_headers_nothing_else_is_read(workers: FitsWorkers) -> None:
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(pixels(500, 500)) for _ in range(4))]
    content = file_of(*hdus)

    made, fetched = cut(workers, content, META="true")

    assert made.count(b"XTENSION") == 4
    assert fetched < len(content) / 20


def test_a_part_of_more_than_the_memory_of_the_server_flows(workers: FitsWorkers) -> None:
    data = pixels(3000, 4000)

    with begun(workers, file_of(fits.PrimaryHDU(data)), SUB="[-*,*]") as cutout:
        cutout.head()
        chunks = list(iter(cutout.next_chunk, b""))

    assert max(len(chunk) for chunk in chunks) <= 8 << 20
    assert np.array_equal(opened(b"".join(chunks))[0].data, data[:, ::-1])


def test_a_worker_that_is_killed_is_a_fault_of_the_file(workers: FitsWorkers) -> None:
    with begun(workers, image(), SUB="[0]") as cutout:
        os.kill(cutout._worker.number, signal.SIGKILL)
        with pytest.raises(InvalidData, match="given up"):
            cutout.head()


def test_a_worker_that_says_nothing_is_ended(
    workers: FitsWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SILENCE_SECONDS", 0.2)
    with begun(workers, image(), SUB="[0]") as cutout:
        os.kill(cutout._worker.number, signal.SIGSTOP)
        with pytest.raises(InvalidArgument, match="longer than there is time"):
            cutout.head()


def test_whoever_waits_hears_of_an_interrupt(workers: FitsWorkers) -> None:
    reading = threading.Event()
    ended = threading.Event()

    class Waiting(MemoryReader):
        @override
        def read_at(self, offset: int, size: int) -> bytes:
            reading.set()
            assert ended.wait(10)
            return super().read_at(offset, size)

    job = CutoutJob(parameters=(("SUB", "[0]"),), name="x")
    with closing(workers.begin(Waiting(image()), job)) as cutout:
        failures: list[Exception] = []

        def ask() -> None:
            try:
                cutout.head()
            except InvalidData as failure:
                failures.append(failure)

        thread = threading.Thread(target=ask)
        thread.start()
        assert reading.wait(10)
        cutout.interrupt()
        ended.set()
        thread.join(10)
        assert failures
    assert not is_running(cutout._worker.number)


def test_a_store_that_fails_is_said_as_such(workers: FitsWorkers) -> None:
    class Broken(MemoryReader):
        @override
        def read_at(self, offset: int, size: int) -> bytes:
            raise StoreError(f"no byte {offset} of {size}")

    job = CutoutJob(parameters=(("SUB", "[0]"),), name="x")
    with (
        closing(workers.begin(Broken(image()), job)) as cutout,
        pytest.raises(StoreError, match="no byte 0"),
    ):
        cutout.head()


def test_only_so_many_work_at_once(
    workers: FitsWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "WAIT_SECONDS", 0.01)
    with (
        begun(workers, image(), SUB="[0]"),
        begun(workers, image(), SUB="[0]"),
        pytest.raises(ServiceBusy),
    ):
        workers.begin(MemoryReader(image()), CutoutJob(parameters=(), name="x"))
    cut(workers, image(), SUB="[0]")


def test_without_astropy_cutouts_are_not_installed(
    workers: FitsWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(OperationNotSupported, match=r"\[preview\]"):
        workers.begin(MemoryReader(image()), CutoutJob(parameters=(), name="x"))


def test_a_worker_can_not_take_all_memory(workers: FitsWorkers) -> None:
    lying = fits.Header(
        [("SIMPLE", True), ("BITPIX", -64), ("NAXIS", 2), ("NAXIS1", 1 << 40), ("NAXIS2", 1)]
    )

    with begun(workers, lying.tostring().encode(), SUB="[*:7,*]") as cutout:
        cutout.head()
        with pytest.raises((InvalidData, InvalidArgument)):
            b"".join(iter(cutout.next_chunk, b""))
    assert cut(workers, image(), SUB="[0]")


def test_a_nursery_that_has_died_is_replaced() -> None:
    with closing(FitsWorkers()) as workers:
        cut(workers, image(), SUB="[0]")
        assert workers._nursery is not None
        workers._nursery.process.kill()
        workers._nursery.process.wait()

        assert cut(workers, image(), SUB="[0]")


def test_no_process_outlives_its_owner() -> None:
    workers = FitsWorkers()
    with begun(workers, image(), SUB="[0]") as cutout:
        cutout.head()
        nursery = workers._nursery
        assert nursery is not None
        workers.close()
    workers.close()

    assert nursery.process.returncode is not None
    assert not is_running(cutout._worker.number)
