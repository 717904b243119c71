"""Regions of the sky on a real server: CIRCLE, POLYGON, BOX and POS (IVOA SODA 1.0)."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from tests.support.fits_files import file_of, image, mosaic, opened, pixels, sky_header, sky_of
from tests.support.space import Space

CENTRE = sky_of(sky_header(100, 80), 40, 30)


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        client.follow_redirects = True
        yield client


def ask(owner: httpx.Client, folder: str, content: bytes, **region: str) -> httpx.Response:
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=content).raise_for_status()
    return owner.get(path, params=region)


def around(radius: float) -> str:
    return f"{CENTRE[0]} {CENTRE[1]} {radius}"


def test_a_circle_is_cut_as_the_box_around_it(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 51: CIRCLE gives every pixel that it touches, at its place on the sky."""
    answer = ask(owner, folder, image(), CIRCLE=around(0.05))

    (hdu,) = opened(answer.content)
    x1, y1 = 40 - hdu.header["NAXIS1"] // 2, 30 - hdu.header["NAXIS2"] // 2
    assert hdu.data.shape == (11, 11)
    assert np.array_equal(hdu.data, pixels(80, 100)[y1 - 1 : y1 + 10, x1 - 1 : x1 + 10])
    assert np.allclose(sky_of(hdu.header, 6, 6), CENTRE, atol=1e-10)


@pytest.mark.parametrize("space", ["+", "%20"])
def test_spaces_may_be_written_either_way(owner: httpx.Client, folder: str, space: str) -> None:
    """Contract 2.5: `+` and `%20` both separate the numbers of a CIRCLE."""
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=image()).raise_for_status()

    answer = owner.get(f"{path}?CIRCLE={around(0.05).replace(' ', space)}")

    assert opened(answer.content)[0].data.shape == (11, 11)


@pytest.mark.parametrize(
    "region",
    [
        {"POS": f"CIRCLE {around(0.05)}"},
        {"POS": f"RANGE {CENTRE[0] - 0.03} {CENTRE[0] + 0.03} "
                f"{CENTRE[1] - 0.03} {CENTRE[1] + 0.03}"},
        {"POLYGON": f"{CENTRE[0] - 0.03} {CENTRE[1] - 0.03} {CENTRE[0] + 0.03} "
                    f"{CENTRE[1] - 0.03} {CENTRE[0]} {CENTRE[1] + 0.03}"},
        {"BOX": f"{CENTRE[0]} {CENTRE[1]} 0.06 0.06"},
    ],
    ids=["POS-CIRCLE", "POS-RANGE", "POLYGON", "BOX"],
)  # fmt: skip
def test_every_corner_of_a_region_is_in_the_part(
    owner: httpx.Client, folder: str, region: dict[str, str]
) -> None:
    """Contract 2.5: POS, POLYGON and BOX as SODA spells them."""
    answer = ask(owner, folder, image(), **region)

    (hdu,) = opened(answer.content)
    height, width = hdu.data.shape
    assert 7 <= width <= 12
    assert 7 <= height <= 12
    x1 = round(sky_header(100, 80)["CRPIX1"] - hdu.header["CRPIX1"]) + 1
    y1 = round(sky_header(100, 80)["CRPIX2"] - hdu.header["CRPIX2"]) + 1
    assert x1 <= 40 < x1 + width
    assert y1 <= 30 < y1 + height


def test_all_images_that_overlap_come(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: a region over several images gives an extension for each."""
    both = ask(owner, folder, mosaic(), CIRCLE="179.25 0 1")
    one = ask(owner, folder, mosaic(), CIRCLE="180 0 0.05")

    primary, first, second = opened(both.content)
    assert primary.header["TELESCOP"] == "HST"
    assert [hdu.header["EXTVER"] for hdu in (first, second)] == [1, 2]
    (alone,) = opened(one.content)
    assert (alone.header["EXTVER"], alone.header["TELESCOP"]) == (1, "HST")


@pytest.mark.parametrize("place", ["10 60 0.1", "0 0 1", "180 5 1", "180 89 0.5"])
def test_nothing_in_common_is_no_content(owner: httpx.Client, folder: str, place: str) -> None:
    """Contract 2.5: a region beside the image is 204, as SODA says."""
    answer = ask(owner, folder, image(), CIRCLE=place)

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("region", [{"CIRCLE": "180 0 95"}, {"POS": "RANGE 0 360 -80 80"}])
def test_a_region_larger_than_the_projection_holds_the_image(
    owner: httpx.Client, folder: str, region: dict[str, str]
) -> None:
    """Contract 2.5: of a region that no projection shows whole, the image is all there is."""
    answer = ask(owner, folder, image(), **region)

    assert np.array_equal(opened(answer.content)[0].data, pixels(80, 100))


def test_regions_are_icrs_whatever_the_image_is(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: an image in galactic coordinates is cut by a position in ICRS."""
    header = sky_header(100, 80, ra=30.0, dec=10.0)
    header["CTYPE1"], header["CTYPE2"] = "GLON-TAN", "GLAT-TAN"
    del header["RADESYS"]
    longitude, latitude = sky_of(header, 40, 30)
    place = SkyCoord(longitude, latitude, unit="deg", frame="galactic").icrs
    content = file_of(fits.PrimaryHDU(pixels(80, 100), header))

    answer = ask(owner, folder, content, CIRCLE=f"{place.ra.deg} {place.dec.deg} 0.03")

    (hdu,) = opened(answer.content)
    assert hdu.data.shape == (7, 7)
    assert np.allclose(sky_of(hdu.header, 4, 4), (longitude, latitude), atol=1e-9)


def test_a_cube_keeps_its_third_axis(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: a region cuts the two axes of the sky; all others stay whole."""
    cube = pixels(4, 80, 100)
    header = sky_header(100, 80)
    header["WCSAXES"], header["CTYPE3"], header["CRPIX3"], header["CD3_3"] = 3, "FREQ", 1, 1e6
    content = file_of(fits.PrimaryHDU(cube, header))

    answer = ask(owner, folder, content, CIRCLE=around(0.05))

    (hdu,) = opened(answer.content)
    assert hdu.data.shape == (4, 11, 11)
    assert np.array_equal(hdu.data, cube[:, 24:35, 34:45])


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ("CIRCLE=1", 400, "InvalidArgument"),
        ("CIRCLE=1 2 x", 400, "InvalidArgument"),
        ("POS=NOTHING 1 2 3", 400, "InvalidArgument"),
        ("CIRCLE=1 2 3&SUB=[1]", 400, "InvalidArgument"),
        ("CIRCLE=1 2 3&BAND=1e-7 2e-7", 400, "OptionNotSupported"),
    ],
)
def test_a_region_that_can_not_be_is_said_so(
    owner: httpx.Client, folder: str, query: str, status: int, name: str
) -> None:
    """Contract 2.5: parameters that can't be understood are 400 and say what is expected."""
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=image()).raise_for_status()

    answer = owner.get(f"{path}?{quote(query, safe='=&')}")

    assert (answer.status_code, answer.text.partition(":")[0]) == (status, name)


def test_a_file_without_a_sky_is_said_so(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: an image without celestial coordinates can't be cut by them."""
    content = file_of(fits.PrimaryHDU(pixels(10, 10)))

    answer = ask(owner, folder, content, CIRCLE="1 2 3")

    assert (answer.status_code, answer.text.partition(":")[0]) == (400, "InvalidArgument")
    assert "where on the sky" in answer.text
