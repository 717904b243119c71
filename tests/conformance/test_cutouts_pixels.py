"""Sections of FITS files by `SUB`, and headers by `META`, on a real server (contract 2.5)."""

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
from astropy.io import fits

from tests.support.fits_files import (
    SAMPLES,
    SKY_SAMPLES,
    file_of,
    image,
    mosaic,
    opened,
    pixels,
    sky_header,
    sky_of,
)
from tests.support.space import Space
from tests.vospace_server.http.documents import endpoints_of, transfer

Cut = Callable[..., fits.HDUList]


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        client.follow_redirects = True
        yield client


@pytest.fixture
def asked(owner: httpx.Client, folder: str) -> Callable[..., httpx.Response]:
    """Stores a file and asks for a part of it."""

    def ask(content: bytes, *sections: str, **parameters: str) -> httpx.Response:
        owner.put(f"/vault/files/{folder}/x.fits", content=content).raise_for_status()
        pairs = [*(("SUB", each) for each in sections), *parameters.items()]
        return owner.get(f"/vault/files/{folder}/x.fits?{urlencode(pairs)}")

    return ask


@pytest.fixture
def cut(asked: Callable[..., httpx.Response]) -> Cut:
    """The same, opened."""

    def ask(content: bytes, *sections: str) -> fits.HDUList:
        answer = asked(content, *sections)
        assert answer.status_code == 200, answer.text
        return opened(answer.content)

    return ask


def same(ours: Any, expected: Any) -> bool:
    """Bit for bit, as they are stored."""
    stored = expected.astype(expected.dtype.newbyteorder(">"))
    return bool(ours.tobytes() == stored.tobytes() and ours.shape == expected.shape)


def test_a_section_is_a_file_of_its_own(asked: Callable[..., httpx.Response]) -> None:
    """Contract 5 row 51: SUB gives a FITS file with its own name and length, and no digest."""
    answer = asked(image(), "[0][11:30,21:25]")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fits"
    assert answer.headers["content-disposition"] == 'attachment; filename="x-cutout.fits"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "digest" not in answer.headers
    assert "content-md5" not in answer.headers
    assert same(opened(answer.content)[0].data, pixels(80, 100)[20:25, 10:30])


def test_its_pixels_are_where_they_were_on_the_sky(cut: Cut) -> None:
    """Contract 2.5: the keywords of coordinates are those of the new pixels."""
    (hdu,) = cut(image(), "[11:30,21:25]")
    whole = sky_header(100, 80)

    assert np.allclose(sky_of(hdu.header, 1, 1), sky_of(whole, 11, 21), atol=1e-10)
    assert np.allclose(sky_of(hdu.header, 20, 5), sky_of(whole, 30, 25), atol=1e-10)
    assert hdu.header["LTV1"] == whole["LTV1"] - 10
    assert hdu.header["LTM1_1"] == 1


def test_two_sections_of_one_image_are_each_in_their_place(cut: Cut) -> None:
    """Contract 2.5: what one section does to the coordinates, the next one does not see."""
    _, first, second = cut(image(), "[0][11:30,21:25]", "[0][31:40,41:50]")
    whole = sky_header(100, 80)

    assert np.allclose(sky_of(first.header, 1, 1), sky_of(whole, 11, 21), atol=1e-10)
    assert np.allclose(sky_of(second.header, 1, 1), sky_of(whole, 31, 41), atol=1e-10)


def test_steps_and_turns_keep_the_sky(cut: Cut) -> None:
    """Contract 2.5: a section may skip pixels and run backwards."""
    (hdu,) = cut(image(), "[91:12:3,*:2]")
    whole = sky_header(100, 80)

    assert same(hdu.data, pixels(80, 100)[::2, 90:10:-3])
    for x, y in ((1, 1), (27, 40), (5, 9)):
        there = sky_of(whole, 91 - 3 * (x - 1), 1 + 2 * (y - 1))
        assert np.allclose(sky_of(hdu.header, x, y), there, atol=1e-10)
    assert hdu.header["LTM1_1"] == pytest.approx(-1 / 3)


def test_a_rotation_in_the_old_style_keeps_the_sky(cut: Cut) -> None:
    """Contract 2.5: CDELT with CROTA holds for a section with steps, too."""
    header = sky_header(100, 80)
    for name in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
        del header[name]
    header["CDELT1"], header["CDELT2"], header["CROTA2"] = -0.01, 0.01, 35.0
    content = file_of(fits.PrimaryHDU(pixels(80, 100), header))

    (hdu,) = cut(content, "[1:100:4,80:1:3]")

    for x, y in ((1, 1), (20, 11)):
        there = sky_of(header, 1 + 4 * (x - 1), 80 - 3 * (y - 1))
        assert np.allclose(sky_of(hdu.header, x, y), there, atol=1e-10)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[*,*,3]", np.s_[:, 2:3, :, :]),
        ("[5:9]", np.s_[:, :, :, 4:9]),
        ("[2:3,*,*,2]", np.s_[1:2, :, :, 1:3]),
        ("[*,-*,6:1:2,*]", np.s_[:, 5::-2, ::-1, :]),
        ("[*,*,*,*,1]", np.s_[:, :, :, :]),
    ],
)
def test_cubes_keep_their_axes(cut: Cut, section: str, expected: Any) -> None:
    """Contract 2.5: images of three and four axes are cut on each of them and keep all."""
    cube = pixels(2, 6, 8, 10)
    header = sky_header(10, 8)
    header["CTYPE3"], header["CRVAL3"], header["CDELT3"], header["CRPIX3"] = "FREQ", 1e9, 1e6, 1
    header["WCSAXES"], header["CTYPE4"], header["CRPIX4"] = 4, "STOKES", 1
    header["CD3_3"], header["CD4_4"] = 1e6, 1.0
    (hdu,) = cut(file_of(fits.PrimaryHDU(cube, header)), section)

    assert same(hdu.data, cube[expected])
    if section == "[*,*,3]":
        assert sky_of(hdu.header, 1, 1, 1, 1)[2] == sky_of(header, 1, 1, 3, 1)[2]


def test_several_sections_are_several_extensions(cut: Cut) -> None:
    """Contract 2.5: SUB may be repeated; extensions are found by name and version."""
    primary, first, second, table = cut(
        mosaic(), "[SCI,1][1:5,1:4]", "[2][60:51,*]", "[EVENTS]"
    )

    assert primary.header["TELESCOP"] == "HST"
    assert primary.data is None
    assert (first.name, first.ver, second.ver) == ("SCI", 1, 2)
    assert same(first.data, pixels(50, 60, dtype="float32")[:4, :5])
    assert same(second.data, pixels(50, 60, dtype="float32")[:, 59:49:-1])
    assert list(table.data["x"]) == list(range(9))


def test_one_extension_becomes_a_primary_image_that_inherits(cut: Cut) -> None:
    """Contract 2.5: with INHERIT, the primary keywords come along, but not its scaling."""
    (hdu,) = cut(mosaic(), "[SCI,2][1:2,1:3]")

    assert isinstance(hdu, fits.PrimaryHDU)
    assert hdu.header["TELESCOP"] == "HST"
    assert "BZERO" not in hdu.header
    assert "INHERIT" not in hdu.header
    assert same(hdu.data, pixels(50, 60, dtype="float32")[:3, :2])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "float64"])
def test_scaled_pixels_stay_what_they_are(
    asked: Callable[..., httpx.Response], dtype: str
) -> None:
    """Contract 2.5: BSCALE and BZERO mean in a section what they mean in the whole."""
    data = (np.arange(3000) * 17 % 251).reshape(50, 60).astype(dtype)
    answer = asked(file_of(fits.PrimaryHDU(data)), "[7:20,9:30:3]")

    found = fits.getdata(io.BytesIO(answer.content))
    assert found.dtype.kind == np.dtype(dtype).kind
    assert np.array_equal(found, data[8:30:3, 6:20])


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_compressed_images_come_out_as_they_went_in(
    asked: Callable[..., httpx.Response], kind: str, dtype: str
) -> None:
    """Contract 2.5: tile-compressed images are cut, and come uncompressed."""
    if (kind, dtype) == ("PLIO_1", "uint16"):
        dtype = "int16"  # the other is not defined
    data = (np.arange(12_000) * 31 % 997).reshape(100, 120).astype(dtype)
    tiles = (100, 120) if kind == "HCOMPRESS_1" else (30, 40)
    hdu = fits.CompImageHDU(
        data, sky_header(120, 100), compression_type=kind, tile_shape=tiles, name="C"
    )
    content = file_of(fits.PrimaryHDU(), hdu)
    expected = fits.getdata(io.BytesIO(content), 1)[19:70:7, 100:30:-1]

    answer = asked(content, "[C][101:32,20:70:7]")

    (found,) = opened(answer.content)
    assert "ZIMAGE" not in found.header
    assert np.array_equal(fits.getdata(io.BytesIO(answer.content)), expected)
    there = sky_of(sky_header(120, 100), 101, 20)
    assert np.allclose(sky_of(found.header, 1, 1), there, atol=1e-10)


@pytest.mark.parametrize(
    ("path", "section", "extension", "expected"),
    [
        (SAMPLES / "test0.fits", "[3][10:29,30:33]", 3, np.s_[29:33, 9:29]),
        (SAMPLES / "comp.fits", "[1][100:120,200:210]", 1, np.s_[199:210, 99:120]),
        (SAMPLES / "scale.fits", "[0][3:9,2:4]", 0, np.s_[1:4, 2:9]),
        (SAMPLES / "compressed_float_bzero.fits", "[1][2:3]", 1, np.s_[1:3]),
        (SAMPLES / "arange.fits", "[2:3,4:5,6:7]", 0, np.s_[5:7, 3:5, 1:3]),
        (SKY_SAMPLES / "dss.14.29.56-62.41.05.fits.gz", "[3:8,5:9]", 0, np.s_[4:9, 2:8]),
    ],
)
def test_real_files_are_cut_as_astropy_cuts_them(
    asked: Callable[..., httpx.Response], path: Any, section: str, extension: int, expected: Any
) -> None:
    """Contract 2.5: files that others wrote give the pixels that astropy finds in them."""
    answer = asked(path.read_bytes(), section)

    assert answer.status_code == 200, answer.text
    with fits.open(path) as hdus:
        wanted = hdus[extension].data[expected]
    found = fits.getdata(io.BytesIO(answer.content))
    assert found.dtype.newbyteorder(">") == wanted.dtype.newbyteorder(">")
    assert same(found.astype(found.dtype.newbyteorder(">")), wanted)


def test_distortions_are_moved_along(cut: Cut) -> None:
    """Contract 2.5: polynomials of SIP stand for the same sky, with steps as well."""
    path = SKY_SAMPLES / "sip2.fits"
    header = fits.getheader(path)
    nx, ny = 40, 30
    content = file_of(fits.PrimaryHDU(pixels(ny, nx), header))

    (hdu,) = cut(content, "[5:40:2,30:3:3]")

    for x, y in ((1, 1), (10, 6)):
        there = sky_of(header, 5 + 2 * (x - 1), 30 - 3 * (y - 1))
        assert np.allclose(sky_of(hdu.header, x, y), there, atol=1e-9)


def test_headers_alone_are_text(asked: Callable[..., httpx.Response]) -> None:
    """Contract 2.5: META=true gives all headers, and nothing else, one card on a line."""
    answer = asked(mosaic(), META="true")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain"
    assert 'filename="x-headers.txt"' in answer.headers["content-disposition"]
    texts = answer.text.rstrip("\n").split("\n\n")
    headers = [fits.Header.fromstring(text, sep="\n") for text in texts]
    with fits.open(io.BytesIO(mosaic())) as hdus:
        assert [dict(h.items()) for h in headers] == [dict(h.header.items()) for h in hdus]


@pytest.mark.parametrize("section", ["[101:110,1:5]", "[0][-9:0,*]", "[*,81:90]"])
def test_a_section_outside_of_the_image_is_said_so(
    asked: Callable[..., httpx.Response], section: str
) -> None:
    """Contract 2.5: a section without a pixel is a fault that says how large the image is."""
    answer = asked(image(), section)

    assert answer.status_code == 400
    assert answer.text.startswith("InvalidArgument: the section lies outside of [0]")
    assert "100 x 80" in answer.text


def test_a_section_that_sticks_out_ends_with_the_image(cut: Cut) -> None:
    """Contract 2.5: what there is of a section is given."""
    (hdu,) = cut(image(), "[91:200,-5:3]")

    assert same(hdu.data, pixels(80, 100)[:3, 90:])


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (["[7]"], "no extension [7]"),
        (["[NAME,3]"], "no extension [NAME,3]"),
        (["[EVENTS][1:2]"], "is not an image"),
        (["[1][1:2,1:2,1:2]", "[1][1:2,1:2,2:3]"], "outside of [1]"),
        (["nonsense"], "SUB is [EXT][x1:x2,y1:y2]"),
    ],
)
def test_what_can_not_be_cut_is_said(
    asked: Callable[..., httpx.Response], sections: list[str], said: str
) -> None:
    """Contract 2.5: a section that can't be is 400 and says why."""
    answer = asked(mosaic(), *sections)

    assert (answer.status_code, answer.text.partition(":")[0]) == (400, "InvalidArgument")
    assert said in answer.text


def test_both_addresses_take_the_parameters(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: the files address hands them on; clients may add them to the data URL."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    plain = owner.get(f"/vault/files/{path}", follow_redirects=False).headers["location"]
    handed = owner.get(
        f"/vault/files/{path}?SUB=%5B1:5,1:5%5D&RUNID=7", follow_redirects=False
    ).headers["location"]
    document = transfer(path, "pullFromVoSpace", protocols=("httpget",))
    details = owner.post("/vault/synctrans", content=document).text

    added = httpx.get(plain, params={"SUB": "[1:5,1:5]"})
    negotiated = httpx.get(endpoints_of(details)[0], params={"SUB": "[1:5,1:5]"})
    assert handed.startswith(plain.rpartition("/data/")[0])
    assert httpx.get(handed).content == added.content == negotiated.content
    assert same(opened(added.content)[0].data, pixels(80, 100)[:5, :5])


@pytest.mark.parametrize("view", ["cutout", "header"])
def test_parts_are_negotiated_for_reading_only(
    owner: httpx.Client, folder: str, view: str
) -> None:
    """Contract 2.5: CADC's views of parts end in an address that takes the parameters."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    uri = f"ivo://cadc.nrc.ca/vospace/view#{view}"

    def ask(direction: str, protocol: str) -> list[str]:
        document = transfer(path, direction, protocols=(protocol,), view=uri)
        return endpoints_of(owner.post("/vault/synctrans", content=document).text)

    (url,) = ask("pullFromVoSpace", "httpget")
    assert httpx.get(url, params={"SUB": "[1:5,1:5]"}).status_code == 200
    assert ask("pushToVoSpace", "httpput") == []


def test_a_part_has_a_tag_and_a_head(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: HEAD of a part has its length; If-None-Match spares a known part."""
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=image()).raise_for_status()
    query = {"SUB": "[1:5,1:5]"}
    url = owner.get(path, follow_redirects=False).headers["location"]
    got, head = httpx.get(url, params=query), httpx.head(url, params=query)
    other = httpx.get(url, params={"SUB": "[1:5,1:6]"})
    known = httpx.get(url, params=query, headers={"If-None-Match": got.headers["etag"]})

    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"] != other.headers["etag"]
    assert known.status_code == 304
    assert owner.get(path, params={"RUNID": "7"}).content == image()
