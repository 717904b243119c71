"""Parts of images whose coordinates are looked up in other extensions, on a real server.

Every pixel of a part is where it was in the whole file, as astropy finds it.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from astropy.io import fits

from tests.support.fits_files import (
    corrected,
    file_of,
    grid,
    opened,
    pixels,
    places_of,
    sky_header,
    sky_of,
)
from tests.support.space import Space

# Of a degree; a pixel has 0.01, and the tables move it by more than a tenth of that.
EXACT = 1e-8
Part = tuple[fits.HDUList, fits.HDUList]


@pytest.fixture
def parted(shared_space: Space, folder: str) -> Iterator[Callable[..., Part]]:
    """Stores a file and asks for a part of it; gives both, opened."""
    with shared_space.client(shared_space.owner) as owner:
        owner.follow_redirects = True

        def ask(content: bytes, *asked: tuple[str, str]) -> Part:
            path = f"/vault/files/{folder}/x.fits"
            owner.put(path, content=content).raise_for_status()
            answer = owner.get(f"{path}?{urlencode(asked)}")
            assert answer.status_code == 200, answer.text
            assert int(answer.headers["content-length"]) == len(answer.content)
            opened(answer.content)
            return scaled(content), scaled(answer.content)

        yield ask


def scaled(content: bytes) -> fits.HDUList:
    """A file as a user opens it."""
    return fits.open(io.BytesIO(content), lazy_load_hdus=False)


def drizzle_ready(*, compressed: bool = False) -> bytes:
    """Two chips as ACS has them: CPDIS tables of their own, and D2IM tables that they share."""
    hdus: list[Any] = [fits.PrimaryHDU()]
    for version, ra in ((1, 180.0), (2, 178.5)):
        header = corrected(sky_header(100, 80, ra=ra), first_table=2 * version - 1)
        data = pixels(80, 100)
        hdus.append(
            fits.CompImageHDU(data, header, name="SCI")
            if compressed
            else fits.ImageHDU(data, header, name="SCI")
        )
        hdus[-1].header["EXTVER"] = version
    hdus += [grid("WCSDVARR", number) for number in (1, 2, 3, 4)]
    hdus += [grid("D2IMARR", number) for number in (1, 2)]
    return file_of(*hdus)


def assert_same_sky(
    whole: tuple[fits.HDUList, Any],
    part: tuple[fits.HDUList, Any],
    pairs: Sequence[tuple[tuple[float, ...], tuple[float, ...]]],
) -> None:
    """Pairs of a pixel of the whole and the same one of the part."""
    before = places_of(*whole, [pair[0] for pair in pairs])
    after = places_of(*part, [pair[1] for pair in pairs])
    assert np.allclose(after, before, rtol=0, atol=EXACT)


def corner_of(hdu: Any, data: Any) -> tuple[int, int]:
    """Where (from 0) the first pixel of a part is in the whole, by its values."""
    ((y, x),) = np.argwhere(data == hdu.data[0, 0])
    return int(x), int(y)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("kind", ["CIRCLE", "BOX", "POLYGON", "POS"])
def test_a_region_takes_the_distortion_tables_along(
    parted: Callable[..., Part], kind: str, compressed: bool
) -> None:
    """Contract 2.5: a part of a drizzle-ready file has its distortion tables, moved with it."""
    content = drizzle_ready(compressed=compressed)
    x, y = places_of(opened(content), 1, [(40, 30)])[0]
    regions = {
        "CIRCLE": f"{x} {y} 0.1",
        "BOX": f"{x} {y} 0.2 0.2",
        "POLYGON": f"{x - 0.1} {y - 0.1} {x + 0.1} {y - 0.1} {x} {y + 0.1}",
        "POS": f"CIRCLE {x} {y} 0.1",
    }

    whole, part = parted(content, (kind, regions[kind]))

    left, below = corner_of(part[0], pixels(80, 100))
    height, width = part[0].data.shape
    assert width < 40
    assert height < 40
    assert [(hdu.name, hdu.ver) for hdu in part[1:]] == [
        ("WCSDVARR", 1), ("D2IMARR", 1), ("WCSDVARR", 2), ("D2IMARR", 2)
    ]  # fmt: skip
    edges = [(1, 1), (width, 1), (width / 2, height / 3), (1, height), (width, height)]
    assert_same_sky(
        (whole, 1), (part, 0), [((px + left, py + below), (px, py)) for px, py in edges]
    )
    # The tables are not for show.
    assert abs(places_of(part, 0, [(5, 5)]) - sky_of(bare(part[0].header), 5, 5)).max() > 1e-3


def bare(header: fits.Header) -> fits.Header:
    """Without references to tables."""
    made = header.copy()
    for name in [*made]:
        if name.startswith(("CPDIS", "DP", "D2IM")):
            del made[name]
    return made


def test_images_that_share_a_table_get_one_each(parted: Callable[..., Part]) -> None:
    """Contract 2.5: two chips in one part, each with its own origin of the same D2IM table."""
    whole, part = parted(
        drizzle_ready(), ("SUB", "[SCI,1][21:60,11:50]"), ("SUB", "[SCI,2][5:100,31:80]")
    )

    names = [(hdu.name, hdu.ver) for hdu in part[3:]]
    assert len(names) == len(set(names)) == 8
    assert_same_sky((whole, 1), (part, 1), [((21, 11), (1, 1)), ((60, 50), (40, 40))])
    assert_same_sky((whole, 2), (part, 2), [((5, 31), (1, 1)), ((100, 80), (96, 50))])


def test_a_part_of_a_part_is_still_in_its_place(
    parted: Callable[..., Part], shared_space: Space, folder: str
) -> None:
    """Contract 2.5: what was cut can be cut again."""
    whole, _ = parted(drizzle_ready(), ("SUB", "[SCI,2][21:60,11:50]"))
    with shared_space.client(shared_space.owner) as owner:
        owner.follow_redirects = True
        path = f"/vault/files/{folder}/x.fits"
        once = owner.get(path, params={"SUB": "[SCI,2][21:60,11:50]"}).content
    x, y = places_of(whole, 2, [(40, 30)])[0]

    _, part = parted(once, ("CIRCLE", f"{x} {y} 0.05"))

    left, below = corner_of(part[0], pixels(80, 100))
    assert_same_sky((whole, 2), (part, 0), [((left + 1, below + 1), (1, 1))])


@pytest.mark.parametrize(
    ("section", "pairs"),
    [
        ("[*:2,11:80:3]", [((1, 11), (1, 1)), ((99, 80), (50, 24)), ((41, 41), (21, 11))]),
        ("[-*,*]", [((100, 1), (1, 1)), ((1, 80), (100, 80))]),
        ("[60:21:4,*]", [((60, 1), (1, 1)), ((24, 80), (10, 80))]),
    ],
)
@pytest.mark.parametrize("scaled", [False, True], ids=["floats", "scaled integers"])
def test_corrections_are_in_pixels_of_the_part(
    parted: Callable[..., Part], section: str, pairs: list[Any], scaled: bool
) -> None:
    """Contract 2.5: with steps a pixel is larger, so what moves it is smaller."""
    header = corrected(sky_header(100, 80), first_table=1)
    header["CPERR1"] = 0.5
    image = fits.ImageHDU(pixels(80, 100), header, name="SCI", ver=1)
    tables = [
        grid(name, number, scaled=scaled)
        for name in ("WCSDVARR", "D2IMARR")
        for number in (1, 2)
    ]

    content = file_of(fits.PrimaryHDU(), image, *tables)
    whole, part = parted(content, ("SUB", f"[SCI,1]{section}"))

    assert part[0].header["CPERR1"] < whole[1].header["CPERR1"] or section == "[-*,*]"
    assert_same_sky((whole, 1), (part, 0), pairs)


def test_the_older_way_to_name_a_table_is_understood(parted: Callable[..., Part]) -> None:
    """Contract 2.5: AXISCORR and its one row of corrections hold for both parts of a file."""
    header = sky_header(100, 80)
    header["AXISCORR"] = 1
    row = fits.ImageHDU(pixels(100, dtype="float32") / 60_000, name="D2IMARR", ver=1)
    row.header["CRPIX1"], row.header["CRVAL1"], row.header["CDELT1"] = 1.0, 1.0, 1.0
    image = fits.ImageHDU(pixels(80, 100), header, name="SCI", ver=1)
    content = file_of(fits.PrimaryHDU(), image, row)

    whole, part = parted(
        content, ("SUB", "[SCI,1][21:60,11:50]"), ("SUB", "[SCI,1][5:100,*:2]")
    )

    assert_same_sky((whole, 1), (part, 1), [((21, 11), (1, 1)), ((47, 50), (27, 40))])
    assert_same_sky((whole, 1), (part, 2), [((5, 1), (1, 1)), ((77, 79), (73, 40))])


@pytest.mark.parametrize(
    ("asked", "first"),
    [(("SUB", "[1][11:40,21:70,3:6]"), (11, 21, 3)), (("SUB", "[1][*,*,6:2:2]"), (1, 1, 6))],
    ids=["forwards", "backwards"],
)
def test_a_table_of_coordinates_comes_along(
    parted: Callable[..., Part], asked: tuple[str, str], first: tuple[int, int, int]
) -> None:
    """Contract 2.5: the wavelengths of a cube are looked up in its -TAB extension."""
    whole, part = parted(cube_with_wavelengths(), asked)

    step = -2 if first[2] == 6 else 1
    pairs = [
        ((first[0] + n, first[1] + n, first[2] + n * step), (1 + n,) * 3) for n in (0, 1, 2)
    ]
    assert_same_sky((whole, 1), (part, 0), pairs)
    assert part[1].name == "WCS-TABLE"


def test_a_circle_keeps_the_wavelengths(parted: Callable[..., Part]) -> None:
    """Contract 2.5: a region of a cube comes with its -TAB extension."""
    x, y = sky_of(sky_header(100, 80), 40, 30)

    whole, part = parted(cube_with_wavelengths(), ("CIRCLE", f"{x} {y} 0.05"))

    assert part[0].data.shape == (7, 11, 11)
    assert_same_sky((whole, 1), (part, 0), [((35, 25, 2), (1, 1, 2)), ((40, 30, 7), (6, 6, 7))])


def cube_with_wavelengths() -> bytes:
    """Seven planes, unevenly spaced, behind a primary header."""
    header = sky_header(100, 80)
    header["WCSAXES"], header["CTYPE3"], header["CUNIT3"] = 3, "WAVE-TAB", "m"
    header["CRPIX3"], header["CRVAL3"], header["CD3_3"] = 1.0, 1.0, 1.0
    header["PS3_0"], header["PS3_1"], header["PV3_1"] = "WCS-TABLE", "WAVES", 1
    waves = np.array([[4, 4.1, 4.3, 4.7, 5.5, 5.6, 7]]).reshape(1, 1, 7) * 1e-7
    column = fits.Column("WAVES", format="7D", dim="(1,7)", array=waves.reshape(1, 7, 1))
    table = fits.BinTableHDU.from_columns([column], name="WCS-TABLE", ver=1)
    image = fits.ImageHDU(pixels(7, 80, 100), header, name="SCI", ver=1)
    return file_of(fits.PrimaryHDU(), image, table)


@pytest.mark.parametrize("way", ["TPV", "PC"])
def test_what_is_written_behind_the_pixels_stays(parted: Callable[..., Part], way: str) -> None:
    """Contract 2.5: TPV's polynomials and the PC matrix hold for a part as they did."""
    header = sky_header(100, 80)
    if way == "TPV":
        header["CTYPE1"], header["CTYPE2"] = "RA---TPV", "DEC--TPV"
        header["PV1_1"], header["PV1_4"], header["PV2_1"], header["PV2_5"] = 1, 0.02, 1, 0.03
    else:
        for name in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
            header[name.replace("CD", "PC")] = header.pop(name) * 100
        header["CDELT1"] = header["CDELT2"] = 0.01
    content = file_of(fits.PrimaryHDU(pixels(80, 100), header))
    x, y = sky_of(header, 40, 30)

    whole, part = parted(content, ("CIRCLE", f"{x} {y} 0.05"))
    left, below = corner_of(part[0], pixels(80, 100))
    assert_same_sky(
        (whole, 0),
        (part, 0),
        [((left + 1, below + 1), (1, 1)), ((40, 30), (40 - left, 30 - below))],
    )

    whole, part = parted(content, ("SUB", "[0][5:95:3,*:2]"))
    assert_same_sky((whole, 0), (part, 0), [((5, 1), (1, 1)), ((65, 79), (21, 40))])


def test_a_table_that_is_missing_is_no_obstacle_to_a_section(
    parted: Callable[..., Part],
) -> None:
    """Contract 2.5: pixels can be had where their distortion table was lost before."""
    header = corrected(sky_header(100, 80), first_table=1)
    content = file_of(fits.PrimaryHDU(pixels(80, 100), header))

    _, (hdu,) = parted(content, ("SUB", "[0][11:30,21:25]"))

    assert np.array_equal(hdu.data, pixels(80, 100)[20:25, 10:30])
    assert hdu.header["DP1.EXTVER"] == 1


@pytest.mark.parametrize(
    "cards",
    [
        {"WCSAXES": 10**9, "CTYPE1": "WAVE-TAB", "PS1_0": "NOWHERE"},
        {"CTYPE1": "WAVE-TAB", "PS1_0": 7, "PV1_1": "x"},
        {"AXISCORR": 1},
        {"CPDIS1": "Lookup", "DP1.EXTVER": 1e300},
        {"CPDIS1": 5, "D2IMDIS1": "Lookup", "D2IM1": "EXTVER"},
    ],
    ids=str,
)
def test_nonsense_about_tables_is_no_obstacle_to_a_section(
    parted: Callable[..., Part], cards: dict[str, Any]
) -> None:
    """Contract 2.5: a header may say of its coordinates what it likes; the pixels are there."""
    image = fits.PrimaryHDU(pixels(80, 100))
    image.header.update(cards)

    _, (hdu,) = parted(file_of(image), ("SUB", "[0][11:30,21:25]"))

    assert np.array_equal(hdu.data, pixels(80, 100)[20:25, 10:30])
