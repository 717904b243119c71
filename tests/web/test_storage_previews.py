"""Looks into files that are packed, broken, enormous or hostile: each is said in a sentence."""

import base64
import gzip
import io
import struct
import time
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile
from astropy.table import Table
from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, browse, open_space

pytestmark = pytest.mark.web

PICTURE = (np.arange(30 * 20) % 200).reshape(20, 30)


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def panel(page: Page) -> Locator:
    """The panel."""
    return page.locator("#panel")


def look(visit: Visit, person: Person, space: Space, name: str, content: bytes) -> Page:
    """The page with the details of a new file open."""
    space.put(name, content)
    page = browse(visit, person, f"{space.page}?open={name}")
    expect(panel(page).locator("h2")).to_have_text(name)
    return page


def file_of(*hdus: object) -> bytes:
    """A FITS file."""
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file, output_verify="ignore")
    return file.getvalue()


def hdus_of(page: Page) -> list[str]:
    """The list of HDUs."""
    expect(panel(page).get_by_label("HDU")).to_be_visible()
    return panel(page).get_by_label("HDU").locator("option").all_inner_texts()


def value_in_the_middle(page: Page, width: int, height: int) -> float:
    """What the readout says of the pixel in the middle, once the picture is drawn."""
    name = f"Picture of {width:,} by {height:,} pixels"
    canvas = panel(page).get_by_role("img", name=name)
    expect(canvas).to_have_attribute("data-drawn", "linear zscale", timeout=30_000)
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    readout = panel(page).locator("output")
    expect(readout).to_contain_text("value")
    return float(readout.inner_text().split("value")[1].split()[0])


# ---------------------------------------------------------------------- packed


def test_a_fits_file_packed_with_gzip_is_unpacked_in_the_browser(
    visit: Visit, alice: Person, space: Space
) -> None:
    content = file_of(
        fits.PrimaryHDU(PICTURE.astype("i2")),
        fits.BinTableHDU(Table({"id": np.arange(120)}), name="ROWS"),
    )
    page = look(visit, alice, space, "a.fits.gz", gzip.compress(content))

    # From the middle (15, 10 from the top) one to the left: column 14, row 9 from below.
    assert value_in_the_middle(page, 30, 20) == PICTURE[9, 14]
    assert hdus_of(page) == [
        "0 · image · 30 \N{MULTIPLICATION SIGN} 20",
        "1 · ROWS · table · 120 rows",
    ]
    panel(page).get_by_label("HDU").select_option("1")
    expect(panel(page)).to_contain_text("Rows 1 to 100 of 120")
    assert inaccessible(page) == []


def test_a_packed_file_that_breaks_off_is_shown_so_far(
    visit: Visit, alice: Person, space: Space
) -> None:
    noise = np.random.default_rng(1).integers(0, 99, (200, 300)).astype("i2")
    packed = gzip.compress(file_of(fits.PrimaryHDU(noise)))
    page = look(visit, alice, space, "a.fits.gz", packed[: len(packed) // 2])

    expect(panel(page)).to_contain_text("The packed data break off or are damaged")
    expect(panel(page)).to_contain_text("what is missing is black")
    assert hdus_of(page) == ["0 · image · 300 \N{MULTIPLICATION SIGN} 200"]


def test_a_packed_file_may_not_fill_the_memory(
    visit: Visit, alice: Person, space: Space
) -> None:
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 2)])
    header["NAXIS1"], header["NAXIS2"] = 20_000, 30_000
    packing = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = packing.compress(header.tostring().encode())
    for _ in range(600):
        packed += packing.compress(bytes(1_000_000))
    packed += packing.flush()
    page = look(visit, alice, space, "bomb.fits.gz", packed)

    expect(panel(page)).to_contain_text(
        "only the first 128.00 MiB were unpacked", timeout=30_000
    )
    assert hdus_of(page) == ["0 · image · 20000 \N{MULTIPLICATION SIGN} 30000"]


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
@pytest.mark.parametrize("name", ["a.fits", "a.fits.fz", "a.fits.gz"])
def test_a_compressed_image_has_its_shape_and_is_drawn(
    visit: Visit, alice: Person, space: Space, kind: str, name: str
) -> None:
    hdu = fits.CompImageHDU(PICTURE.astype("i2"), compression_type=kind, name="SCI")
    content = file_of(fits.PrimaryHDU(), hdu)
    page = look(
        visit, alice, space, name, gzip.compress(content) if name.endswith("gz") else content
    )

    assert value_in_the_middle(page, 30, 20) == PICTURE[9, 14]
    assert hdus_of(page) == [
        "0 · header alone",
        f"1 · SCI · image ({kind}) · 30 \N{MULTIPLICATION SIGN} 20",
    ]


def test_a_large_compressed_cube_is_thinned_by_the_server(
    visit: Visit, alice: Person, space: Space
) -> None:
    cube = np.zeros((2, 1500, 2600), dtype="f4")
    cube[0] = np.linspace(0, 99, 1500)[:, None]
    hdu = fits.CompImageHDU(cube, compression_type="RICE_1", quantize_level=0)
    hdu = fits.CompImageHDU(cube.astype("i4"), compression_type="RICE_1")
    page = look(visit, alice, space, "cube.fits", file_of(fits.PrimaryHDU(), hdu))

    found = value_in_the_middle(page, 2600, 1500)
    assert found == pytest.approx(49, abs=1)
    assert hdus_of(page)[1].endswith(
        "image (RICE_1) · 2600 \N{MULTIPLICATION SIGN} 1500 \N{MULTIPLICATION SIGN} 2"
    )


def test_a_compressed_image_that_is_damaged_is_said(
    visit: Visit, alice: Person, space: Space
) -> None:
    hdu = fits.CompImageHDU(PICTURE.astype("i2"), compression_type="GZIP_1", name="SCI")
    content = bytearray(file_of(fits.PrimaryHDU(), hdu))
    heap = content.index(b"\x1f\x8b")
    content[heap + 10 : heap + 40] = b"\xff" * 30
    page = look(visit, alice, space, "a.fits", bytes(content))

    expect(panel(page)).to_contain_text("The server could not unpack it: ", timeout=30_000)
    expect(panel(page).get_by_text("Header:")).to_be_visible()
    assert inaccessible(page) == []


# ---------------------------------------------------------------------- broken FITS


def wide() -> bytes:
    """A table of 999 columns, the first of 5,000 characters."""
    columns = [fits.Column(name=f"c{n}", format="J", array=[n]) for n in range(998)]
    first = fits.Column(name="long", format="5000A", array=["x" * 5000])
    return file_of(fits.PrimaryHDU(), fits.BinTableHDU.from_columns([first, *columns]))


def cut_table() -> bytes:
    """A table of 2,000 rows, of which three are left."""
    content = file_of(fits.PrimaryHDU(), fits.BinTableHDU(Table({"id": np.arange(2000)})))
    end = content.rindex(b"END".ljust(80)) + 2880
    return content[: end // 2880 * 2880 + 24]


def heavy_rows() -> bytes:
    """A table whose rows have five megabytes each."""
    cell = np.zeros((9, 5_000_000), dtype="u1")
    column = fits.Column(name="map", format="5000000B", array=cell)
    return file_of(fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column]))


def one_row(width: int) -> bytes:
    """An image of one very long row, without its pixels."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", -64), ("NAXIS", 2)])
    header["NAXIS1"], header["NAXIS2"] = width, 1
    return bytes(header.tostring().encode()) + bytes(2880)


def many_cards() -> bytes:
    """A header of 5,000 cards."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0)])
    for n in range(5000):
        header.append((f"K{n}", "<img src=x onerror=hacked()>"))
    return bytes(header.tostring().encode())


PLAIN = file_of(fits.PrimaryHDU(PICTURE.astype("f4")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SIMPLE", "This is not a FITS file"),
        (b"<script>hacked()</script>" * 300, "This is not a FITS file"),
        (b"\x1f\x8b" + b"<script>hacked()</script>" * 300, "This is not a FITS file"),
        (PLAIN.replace(b"END  ", b"EMD  "), "The header has no END card"),
        (b"SIMPLE  =                    T".ljust(80) * 40_000, "The header has no END card"),
        (PLAIN[:4000], "The file is cut off: 1.25 KiB that its headers promise are missing."),
        (PLAIN[:4000], "what is missing is black"),
        (PLAIN[:2880], "Its pixels are not in the file."),
        (PLAIN + b"x" * 5000, "What follows HDU 0 is no HDU and is not shown."),
        (PLAIN.replace(b" -32", b" -31"), "BITPIX = -31 is none that FITS knows."),
        (one_row(10**15), "Its rows are too long for a look: 7.11 PiB."),
        (wide(), "The first 100 of 999 columns."),
        (wide().replace(b"'J       '", b"'Z       '"), "TFORM2 = Z is no format"),
        (cut_table(), "Rows 1 to 3 of 2,000"),
        (heavy_rows(), "Rows 1 to 6 of 9"),
        (many_cards(), "The first 1,000 of 5,003 cards"),
        (file_of(*([fits.PrimaryHDU()] + [fits.ImageHDU()] * 300)), "Only the first 250 HDUs"),
    ],
)
def test_a_broken_or_enormous_fits_file_is_said(
    visit: Visit, alice: Person, space: Space, content: bytes, said: str
) -> None:
    page = look(visit, alice, space, "x.fits", content)

    expect(panel(page)).to_contain_text(said, timeout=20_000)
    expect(panel(page).get_by_role("button", name="Permissions")).to_be_visible()


def test_a_broken_fits_file_is_accessible_and_readable(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = look(visit, alice, space, "x.fits", PLAIN[:4000])
    expect(panel(page)).to_contain_text("what is missing is black")

    assert inaccessible(page) == []


# ---------------------------------------------------------------------- tables, texts, images


def votable(rows: bytes, fields: int = 1) -> bytes:
    """A VOTable of these rows."""
    named = b"".join(b'<FIELD name="f%d" datatype="int"/>' % n for n in range(fields))
    return (
        b'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        + named
        + b"<DATA><TABLEDATA>"
        + rows
        + b"</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )


FIELDS = (
    ("truth", "boolean", ""), ("bits", "bit", "12"), ("byte", "unsignedByte", ""),
    ("short", "short", ""), ("int", "int", ""), ("long", "long", ""), ("float", "float", ""),
    ("double", "double", ""), ("complex", "floatComplex", ""), ("pair", "doubleComplex", ""),
    ("name", "char", "8"), ("note", "char", "*"), ("wide", "unicodeChar", "6"),
    ("widenote", "unicodeChar", "*"), ("fixed", "int", "2x3"), ("many", "short", "*"),
    ("slices", "double", "2x*"),
)  # fmt: skip
FIRST_ROW = (
    True, [True, False, True, True] * 3, 255, -32768, 2147483647, -(2**62), 0.1, 1 / 3,
    1.5 - 2j, 0.1 + 0.2j, "abcdefgh", "<b>x</b>", "étoile", "日本", [[1, 2], [3, 4], [5, 6]],
    np.array([7, -8, 9], "i2"), [[0.5, 1.5], [2.5, 3.5]],
)  # fmt: skip
SHOWN = (
    "true", "101110111011", "255", "-32768", "2147483647", "-4611686018427387904", "0.1",
    "0.3333333333333333", "1.5 -2", "0.1 0.2", "abcdefgh", "<b>x</b>", "étoile", "日本",
    "1 2 3 4 5 6", "7 -8 9", "0.5 1.5 2.5 3.5",
)  # fmt: skip


def table_of_everything(form: str, rows: int = 1) -> bytes:
    """A VOTable with a column of every type as astropy writes it; its last row has nothing."""
    document = VOTableFile()
    resource = Resource()
    document.resources.append(resource)
    table = TableElement(document, name="all")
    resource.tables.append(table)
    for name, datatype, size in FIELDS:
        given = {"arraysize": size} if size else {}
        table.fields.append(Field(document, name=name, datatype=datatype, **given))
    for column in table.fields:
        if column.datatype in {"unsignedByte", "short", "int", "long"}:
            column.values.null = 99
    table.create_arrays(rows + 1)
    row: tuple[object, ...] = tuple(
        np.ma.array(value, mask=np.zeros(np.shape(value), bool))
        if isinstance(value, list | np.ndarray)
        else value
        for value in FIRST_ROW
    )
    for index in range(rows + 1):
        table.array[index] = row
    table.array.mask[rows] = tuple(datatype != "bit" for _, datatype, _ in FIELDS)
    file = io.BytesIO()
    document.to_xml(file, tabledata_format=form)
    return file.getvalue()


@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_a_votable_of_every_type_is_shown_in_every_serialisation(
    visit: Visit, alice: Person, space: Space, form: str
) -> None:
    page = look(visit, alice, space, "x.vot", table_of_everything(form))

    rows = panel(page).locator("tbody tr")
    expect(rows).to_have_count(2)
    shown = rows.first.locator("td").all_inner_texts()
    if form == "tabledata":
        # As the file writes them.
        assert shown[0] == "T"
        assert shown[10:14] == list(SHOWN[10:14])
        return
    assert shown == list(SHOWN)
    if form == "binary2":
        # Bits have no way to be nothing.
        assert set(rows.last.locator("td").all_inner_texts()) == {"", SHOWN[1]}
    else:
        assert rows.last.locator("td").nth(3).inner_text() == ""
    expect(panel(page).get_by_text("break off")).to_have_count(0)


def stream(
    content: bytes, *fields: str, kind: str = "BINARY", said: str = 'encoding="base64"'
) -> bytes:
    """A VOTable with these bytes as rows."""
    return (
        f"<VOTABLE><RESOURCE><TABLE>{''.join(fields)}<DATA><{kind}><STREAM {said}>"
        f"{base64.b64encode(content).decode()}</STREAM></{kind}></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def field(datatype: str, size: str = "") -> str:
    """A column."""
    return f'<FIELD name="f" datatype="{datatype}" arraysize="{size}"/>'


BOMB = b'<!DOCTYPE x [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 20) for n in range(20)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (votable(b"<TR/>" * 1_000_000), "The first 200 of 1,000,000 rows."),
        (votable(b"<TR><TD>7</TD></TR>" * 1_000_000), "The first 200 rows."),
        (votable(b"<TR>" + b"<TD>7</TD>" * 50_000 + b"</TR>", 50_000), "100 of 50,000 columns"),
        (votable(b"<TR><TD>" + b"x" * 5_000_000 + b"</TD></TR>"), "x …"),
        (votable(b""), "This table has no rows."),
        (stream(b"", field("int"), kind="FITS"), "stored in a form that is not read here"),
        (stream(b"", field("int"), said='href="https://evil.example/x"'), "not read here"),
        (stream(b"1234", field("int"), said='encoding="gzip"'), "not read here"),
        (stream(b"1234", field("quaternion")), "not read here"),
        (stream(b"1234", field("constructor")), "not read here"),
        (stream(b"1234", field("int", "-1")), "not read here"),
        (stream(b"", field("int")), "This table has no rows."),
        (stream(bytes(4_000_000), field("int")), "The first 200 of 1,000,000 rows."),
        (stream(bytes(4_000_000), field("char", "*")), "The first 200 of 1,000,000 rows."),
        (stream(b"\0\0\0\7" * 2 + b"\0", field("int")), "The binary rows break off"),
        (stream(b"\xff\xff\xff\xff" * 9, field("double", "*")), "The binary rows break off"),
        (stream(bytes(99), field("int", "9" * 300)), "The binary rows break off"),
        (stream(bytes(99), field("int", "0x" + "9" * 400)), "The binary rows break off"),
        (stream(bytes(99), field("int", "0")), "The binary rows break off"),
        (stream(bytes(99)), "not read here"),
        (
            stream(bytes(2_000_000), *[field("int", "0")] * 50_000, field("int", "*")),
            "The first 200 of 500,000 rows.",
        ),
        (
            stream(bytes(1_000_000), *[field("char", "0x1")] * 50_000, field("char", "1x*")),
            "The first 200 of 250,000 rows.",
        ),
        (
            stream(b"", *[field("int")] * 50_000).replace(
                b"</STREAM>", b'</STREAM><STREAM encoding="base64"></STREAM>' * 60_000
            ),
            "This table has no rows.",
        ),
        (stream(b"", field("int")).replace(b'base64">', b'base64">!AAAA'), "break off"),
        (
            stream(b"<i>\xff&amp;\0hidden", field("char", "*")).replace(b">", b"> ", 3),
            "The binary rows break off",
        ),
        (stream(struct.pack(">I10s", 10, b"<i>&amp;<b"), field("char", "*")), "<i>&amp;<b"),
        (
            stream(struct.pack(">I", 5_000_000) + b"x" * 5_000_000, field("char", "*")),
            "x …",
        ),
        (table_of_everything("binary2", 299), "The first 200 of 300 rows."),
        (stream(bytes(9_000_000), field("double")), "The first 200 rows."),
        (stream(bytes(9_000_000), field("double", "*")), "The first 200 rows."),
        (votable(b"<TR><TD>1"), "This is not well-formed XML"),
        (BOMB + b"]><x>&a20;</x>", "There is no preview: There is no table in it."),
        (BOMB + b"]>" + votable(b"<TR><TD>&a20;</TD></TR>"), "&a20;"),
        (
            b"<VOTABLE><TABLE name='a>b'><FIELD name=\"x\"/><!-- <TR/> --><TR><TD><![CDATA[<b>",
            "a>b",
        ),
        (
            votable(b"<TR><TD a='>'><![CDATA[<i>&lt;]]>&#60;&#x110000;</TD></TR>"),
            "<i>&lt;<&#x110000;",
        ),
        (b"<VOTABLE/>", "There is no preview: There is no table in it."),
        (b"", ""),
    ],
)
def test_a_votable_of_any_size_and_shape_is_said(
    visit: Visit, alice: Person, space: Space, content: bytes, said: str
) -> None:
    if not content:
        page = look(visit, alice, space, "x.vot", content)
        expect(panel(page).get_by_role("button", name="Permissions")).to_be_visible()
        return
    began = time.monotonic()
    page = look(visit, alice, space, "x.vot", content)

    expect(panel(page)).to_contain_text(said, timeout=20_000)
    assert panel(page).locator("td").count() <= 200 * 100
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("content", "shown", "hint"),
    [
        ("Sept étoiles à l'œil".encode("cp1252"), "Sept étoiles à l'œil", True),
        ("a" * (128 * 1024 - 1) + "é" * 9, "aaaa", False),
        (b"\x00\x01\x02 nulls \xc3", "nulls", False),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe", "gpj.exe", False),
    ],
)
def test_a_text_in_another_encoding_is_read_all_the_same(
    visit: Visit, alice: Person, space: Space, content: bytes | str, shown: str, *, hint: bool
) -> None:
    raw = content.encode() if isinstance(content, str) else content
    page = look(visit, alice, space, "x.txt", raw)

    expect(panel(page).locator("pre")).to_contain_text(shown)
    expect(panel(page).get_by_text("This is not UTF-8")).to_have_count(int(hint))
    assert "\N{REPLACEMENT CHARACTER}" not in panel(page).locator("pre").inner_text()


def png(width: int, height: int) -> bytes:
    """A black PNG of any size, of few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="hacked()"/>', "no image"),
        ("x.png", png(40_000, 40_000), "It has 1,600,000,000 pixels"),
        ("x.png", png(64, 64)[:30], "no image"),
        ("x.gif", b"GIF89a\xff\xff\xff\xff", "no image"),
        ("x.jpg", b"\xff\xd8\xff\xe0" + bytes(500), "no image"),
    ],
)
def test_an_image_that_is_none_or_a_bomb_is_said(
    visit: Visit, alice: Person, space: Space, name: str, content: bytes, said: str
) -> None:
    page = look(visit, alice, space, name, content)

    expect(panel(page)).to_contain_text(said)
