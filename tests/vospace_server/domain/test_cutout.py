"""What the parameters of a cutout mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model.faults import Fault, InvalidArgument, OptionNotSupported
from vospace_server.domain.cutout import (
    Circle,
    HduName,
    PixelRange,
    Polygon,
    Section,
    SkyRange,
    parse_cutout,
    parse_region,
    parse_section,
)


@pytest.mark.parametrize(
    ("text", "hdu", "ranges"),
    [
        ("[0]", HduName(number=0), ()),
        ("[SCI]", HduName(name="SCI"), ()),
        ("[SCI,2]", HduName(name="SCI", version=2), ()),
        ("[1:10]", None, (PixelRange(first=1, last=10),)),
        ("[*]", None, (PixelRange(),)),
        ("[-*]", None, (PixelRange(backwards=True),)),
        ("[*:3,7]", None, (PixelRange(step=3), PixelRange(first=7, last=7))),
        ("[10:*]", None, (PixelRange(first=10),)),
        (
            "[SCI,1][9:2:2, -3:+4]",
            HduName(name="SCI", version=1),
            (PixelRange(first=9, last=2, step=2), PixelRange(first=-3, last=4)),
        ),
    ],
)
def test_a_section_names_an_extension_and_pixels(
    text: str, hdu: HduName | None, ranges: tuple[PixelRange, ...]
) -> None:
    assert parse_section(text) == Section(hdu=hdu, ranges=ranges)


@pytest.mark.parametrize(
    "text",
    ["", "1:10", "[", "[]", "[1:2:0]", "[1:2:3:4]", "[a:b]", "[1][]", "[1][x]", "[1][1][1]",
     "[1:]", "[:5]", "[,]", "[1.5:2]", "[**]", "[SCI,x]", "[0][" + "1," * 100 + "1]"],
)  # fmt: skip
def test_what_is_no_section_is_said_so(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_section(text)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (PixelRange(first=1, last=10), (1, 10, 1)),
        (PixelRange(first=-5, last=3), (1, 3, 1)),
        (PixelRange(first=15, last=99), (15, 20, 1)),
        (PixelRange(first=1, last=10, step=4), (1, 9, 4)),
        (PixelRange(first=10, last=1, step=4), (10, 2, -4)),
        (PixelRange(backwards=True), (20, 1, -1)),
        (PixelRange(step=7), (1, 15, 7)),
        (PixelRange(first=21, last=30), None),
        (PixelRange(first=-9, last=0), None),
    ],
)
def test_ranges_end_where_the_axis_ends(
    wanted: PixelRange, found: tuple[int, int, int] | None
) -> None:
    assert wanted.on(20) == found


@given(
    first=st.integers(-30, 60), last=st.integers(-30, 60), step=st.integers(1, 9),
    length=st.integers(1, 30),
)  # fmt: skip
def test_a_range_takes_what_a_slice_takes(
    first: int, last: int, step: int, length: int
) -> None:
    found = PixelRange(first=first, last=last, step=step).on(length)

    down = first > last
    inside = [p for p in range(min(first, last), max(first, last) + 1) if 1 <= p <= length]
    expected = (inside[::-1] if down else inside)[::step]
    if found is None:
        assert expected == []
    else:
        start, stop, stride = found
        assert list(range(start, stop + (1 if stride > 0 else -1), stride)) == expected


def test_regions_are_read_as_soda_spells_them() -> None:
    square = ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0))

    assert parse_region("CIRCLE", "10 -20 0.5") == Circle(
        longitude=10, latitude=-20, radius=0.5
    )
    assert parse_region("POS", "circle 10 -20 0.5") == parse_region("CIRCLE", "10 -20 0.5")
    assert parse_region("POLYGON", "1 2 3 2 3 4") == Polygon(vertices=square)
    assert parse_region("POS", "POLYGON 1 2 3 2 3 4") == Polygon(vertices=square)
    assert parse_region("POS", "RANGE 10 20 -Inf +Inf") == SkyRange(
        longitudes=(10, 20), latitudes=(-90, 90)
    )
    assert parse_region("BOX", "10 0 4 2") == Polygon(
        vertices=((8.0, -1.0), (12.0, -1.0), (12.0, 1.0), (8.0, 1.0))
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CIRCLE", ""), ("CIRCLE", "1 2"), ("CIRCLE", "1 2 0"), ("CIRCLE", "1 2 -1"),
        ("CIRCLE", "1 91 1"), ("CIRCLE", "nan 2 1"), ("CIRCLE", "inf 2 1"),
        ("POLYGON", "1 2 3 4"), ("POLYGON", "1 2 3 4 5 6 7"), ("POS", ""), ("POS", "1 2 3"),
        ("POS", "ELLIPSE 1 2 3"), ("POS", "RANGE 20 10 0 1"), ("POS", "RANGE 1 2 3"),
        ("BOX", "1 2 3"), ("BOX", "1 90 1 1"), ("POLYGON", "1 2 " * 2000),
    ],
)  # fmt: skip
def test_what_is_no_region_is_said_so(name: str, text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_region(name, text)


def test_one_kind_of_part_at_a_time() -> None:
    assert parse_cutout([("limit", "5")]) is None
    assert parse_cutout([("META", "false")]) is None
    headers = parse_cutout([("meta", "TRUE")])
    assert headers is not None
    assert headers.headers_only
    for pairs in (
        [("SUB", "[1]"), ("CIRCLE", "1 2 3")],
        [("CIRCLE", "1 2 3"), ("POS", "CIRCLE 1 2 3")],
        [("META", "true"), ("SUB", "[1]")],
        [("META", "maybe")],
        [("SUB", "[1]")] * 101,
    ):
        with pytest.raises(InvalidArgument):
            parse_cutout(pairs)
    with pytest.raises(OptionNotSupported, match="BAND"):
        parse_cutout([("CIRCLE", "1 2 3"), ("BAND", "1e-7 2e-7")])


@given(
    name=st.sampled_from(["SUB", "CIRCLE", "POLYGON", "BOX", "POS", "META"]),
    text=st.text(alphabet="[]()*:,-+.0123456789eEinfaNRGCIL\u0660 ", max_size=40),
)
def test_no_text_does_anything_but_being_refused(name: str, text: str) -> None:
    try:
        parse_cutout([(name, text)])
    except Fault as fault:
        assert fault.detail
