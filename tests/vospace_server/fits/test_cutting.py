"""Every n-th pixel of a large image, as a look takes them, in more than one slab."""

import io
import time

import numpy as np
import pytest
from astropy.io import fits

from vospace_server.domain.cutout import CutoutRequest, parse_section
from vospace_server.fits.cutting import make_part


def thinned(content: bytes, section: str) -> np.ndarray:
    """The pixels of a section."""
    request = CutoutRequest(sections=(parse_section(section),))
    part = make_part(io.BytesIO(content), request)  # type: ignore[arg-type]
    assert part is not None
    made = b"".join(part.chunks)
    assert len(made) == part.length
    pixels: np.ndarray = fits.getdata(io.BytesIO(made))
    return pixels


def compressed(data: np.ndarray, tiles: tuple[int, ...]) -> bytes:
    """A file with the image in tiles."""
    file = io.BytesIO()
    hdu = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=tiles)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    return file.getvalue()


@pytest.mark.parametrize("tiles", [(1, 1700), (37, 50), (2100, 100), (400, 1700)])
@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[*:3,*:4]", np.s_[::4, ::3]),
        ("[11:1600:7,23:2090:5]", np.s_[22:2090:5, 10:1600:7]),
        ("[*:2,2000:3:50]", np.s_[1999:1:-50, ::2]),
        ("[*:40,*:90]", np.s_[::90, ::40]),
    ],
)
def test_steps_over_tiles_take_the_pixels_that_numpy_takes(
    tiles: tuple[int, int], section: str, expected: tuple[slice, slice]
) -> None:
    data = (np.arange(2100 * 1700, dtype="i4") * 31 % 9973).reshape(2100, 1700)

    assert np.array_equal(thinned(compressed(data, tiles), f"[1]{section}"), data[expected])


def test_the_first_plane_of_a_cube_is_taken_alone() -> None:
    cube = np.arange(3 * 40 * 50, dtype="i4").reshape(3, 40, 50)

    found = thinned(compressed(cube, (1, 10, 50)), "[1][*:2,*:2,1]")
    assert np.array_equal(found, cube[:1, ::2, ::2])


def test_no_tile_is_unpacked_for_each_of_its_rows() -> None:
    data = (np.arange(2000 * 2000, dtype="i4") * 31 % 9973).reshape(2000, 2000)
    content = compressed(data, (2000, 2000))
    began = time.process_time()
    fits.getdata(io.BytesIO(content), 1)
    whole = time.process_time() - began
    began = time.process_time()
    thinned(content, "[1][*:2,*:2]")

    # A thousand rows of one tile: it would be unpacked a thousand times.
    assert time.process_time() - began < 100 * whole
