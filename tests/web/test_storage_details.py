"""The panel of details: what it says, what can be edited, and looks into files."""

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, browse, open_space, row, wait_for_rows

pytestmark = pytest.mark.web


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def panel(page: Page) -> Locator:
    """The panel."""
    return page.locator("#panel")


def look(visit: Visit, person: Person, space: Space, name: str, **how: object) -> Page:
    """The page with the details of a file open."""
    page = browse(visit, person, f"{space.page}?open={name}", **how)
    expect(panel(page).locator("h2")).to_have_text(name)
    return page


def test_the_panel_says_what_a_file_is_and_how_to_reach_it(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a b.dat", b"0123456789")
    page = browse(visit, alice, space.page)
    row(page, "a b.dat").focus()
    page.keyboard.press("Enter")

    expect(panel(page).locator("h2")).to_be_focused()
    for text in (
        "10 B (10 bytes)",
        "781e5e245d69b566979b86e28d23f2c7",
        "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882",
    ):
        expect(panel(page)).to_contain_text(text)
    panel(page).get_by_text("Use it elsewhere").click()
    uri = f"vos://localhost~vault/{alice.name}/a b.dat"
    for text in (uri, f"vcp '{uri}' .", "urlopen(", f"/vault/files/{alice.name}/a%20b.dat"):
        expect(panel(page)).to_contain_text(text)
    assert inaccessible(page) == []
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(row(page, "a b.dat")).to_be_focused()


def test_properties_are_added_changed_and_removed(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.dat")
    page = look(visit, alice, space, "a.dat")
    panel(page).get_by_role("button", name="Add a property").or_(
        panel(page).get_by_text("properties")
    ).first.click()
    panel(page).get_by_role("button", name="Add a property").click()
    page.get_by_label("Identifier").fill("no uri")
    page.get_by_label("Value", exact=True).fill("x")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("This is no URI")).to_be_visible()
    page.get_by_label("Identifier").fill("ivo://x/y#note")
    page.get_by_label("Value", exact=True).fill("<b>bright</b>")
    page.get_by_role("button", name="Add it").click()

    panel(page).locator("summary", has_text="properties").click()
    expect(panel(page)).to_contain_text("<b>bright</b>")
    panel(page).get_by_role("button", name="Change note").click()
    assert inaccessible(page) == []
    page.get_by_role("dialog").get_by_role("textbox").fill("")
    page.get_by_role("button", name="Save").click()
    expect(panel(page)).not_to_contain_text("bright")


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("notes.txt", b"plain <script>hacked()</script> text", "<script>hacked()</script>"),
        ("page.html", b"<img src=x onerror=hacked()>", "<img src=x onerror=hacked()>"),
        ("pic.svg", b"<svg onload='hacked()'/>", "<svg onload='hacked()'/>"),
        ("data.json", b'{"a":[1,{"b":2}]}', '"b": 2'),
        ("broken.json", b'{"a": ', '{"a": '),
        ("bytes.txt", b"\xff\xfe\x00broken", "broken"),
    ],
)
def test_texts_are_shown_as_texts(
    visit: Visit, alice: Person, space: Space, name: str, content: bytes, shown: str
) -> None:
    space.put(name, content, "text/html")
    page = look(visit, alice, space, name)

    expect(panel(page).locator("pre")).to_contain_text(shown)


def test_a_long_text_shows_its_beginning(visit: Visit, alice: Person, space: Space) -> None:
    space.put("long.log", b"line\n" * 100_000)
    page = look(visit, alice, space, "long.log")

    expect(panel(page)).to_contain_text("The first 128.00 KiB of 488.28 KiB.")


def test_an_image_is_shown_and_a_false_one_is_said(
    visit: Visit, alice: Person, space: Space
) -> None:
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
        "789c6360f8cf50000003860186dd0a3fd40000000049454e44ae426082"
    )
    space.put("real.png", png)
    space.put("false.png", b"<script>hacked()</script>")
    page = look(visit, alice, space, "false.png")
    expect(panel(page)).to_contain_text("This is no image that the browser can show.")
    page.keyboard.press("Escape")
    row(page, "real.png").get_by_role("link").click()

    image = panel(page).get_by_alt_text("Preview of real.png")
    expect(image).to_be_visible()
    assert (image.get_attribute("src") or "").startswith("blob:")


def test_a_votable_is_shown_as_rows(visit: Visit, alice: Person, space: Space) -> None:
    space.put(
        "cat.vot",
        b"""<?xml version="1.0"?><VOTABLE version="1.4"
        xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE name="stars">
        <FIELD name="ra" datatype="double" unit="deg"/><FIELD name="id" datatype="char"/>
        <DATA><TABLEDATA><TR><TD>10.5</TD><TD>&lt;script&gt;hacked()&lt;/script&gt;</TD></TR>
        </TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>""",
    )
    page = look(visit, alice, space, "cat.vot")

    expect(panel(page).get_by_role("columnheader", name="ra [deg]")).to_be_visible()
    expect(panel(page).get_by_role("cell", name="<script>hacked()</script>")).to_be_visible()
    assert inaccessible(page) == []


def fits_bytes(*hdus: object) -> bytes:
    """A FITS file."""
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_a_fits_image_of_every_type_is_drawn_and_read_out(
    visit: Visit, alice: Person, space: Space, kind: str
) -> None:
    image = np.arange(30 * 20, dtype=kind).reshape(20, 30) % 200
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cdelt = [15, 10], [150.0, 2.2], [-0.01, 0.01]
    primary = fits.PrimaryHDU(image, header=wcs.to_header())
    primary.header["OBJECT"] = ("O'Hara", "a name with a quote")
    space.put("image.fits", fits_bytes(primary))
    page = look(visit, alice, space, "image.fits")

    canvas = panel(page).get_by_role("img", name="Picture of 30 by 20 pixels")
    expect(canvas).to_have_attribute("data-drawn", "linear zscale")
    canvas.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    # From the middle, three to the left: pixel 13, 10 as FITS counts.
    sky = wcs.pixel_to_world(12, 9)
    readout = panel(page).locator("output")
    expect(readout).to_contain_text(f"x 13 y 10 value {int(image[9, 12])}")
    expect(readout).to_contain_text(f"({sky.ra.deg:.5f}, {sky.dec.deg:.5f})")
    panel(page).get_by_label("Stretch").select_option("asinh")
    expect(canvas).to_have_attribute("data-drawn", "asinh zscale")
    panel(page).get_by_label("Filter the header").fill("object")
    expect(panel(page).get_by_role("cell", name="O'Hara")).to_be_visible()


def test_the_hdus_of_a_file_are_listed_and_tables_shown_as_rows(
    visit: Visit, alice: Person, space: Space
) -> None:
    table = Table(
        {
            "id": np.arange(250, dtype="i8"),
            "name": [f"<b>{n}</b>" for n in range(250)],
            "mag": np.linspace(10, 20, 250),
            "ok": [n % 2 == 0 for n in range(250)],
            "xy": np.arange(500, dtype="f4").reshape(250, 2),
        }
    )
    content = fits_bytes(
        fits.PrimaryHDU(),
        fits.BinTableHDU(table, name="STARS"),
        fits.ImageHDU(np.zeros((4, 5), dtype="f4"), name="MASK"),
    )
    space.put("many.fits", content)
    page = look(visit, alice, space, "many.fits")

    expect(panel(page)).to_contain_text("Rows 1 to 100 of 250")
    options = panel(page).get_by_label("HDU").locator("option").all_inner_texts()
    assert options == [
        "0 · header alone",
        "1 · STARS · table · 250 rows",
        "2 · MASK · image · 5 \N{MULTIPLICATION SIGN} 4",
    ]
    cells = panel(page).locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells == ["1", "<b>1</b>", cells[2], "F", "2 3"]
    assert float(cells[2]) == pytest.approx(table["mag"][1])
    panel(page).get_by_role("button", name="Next rows").click()
    panel(page).get_by_role("button", name="Next rows").click()
    expect(panel(page)).to_contain_text("Rows 201 to 250 of 250")
    expect(panel(page).get_by_role("button", name="Next rows")).to_be_disabled()
    assert inaccessible(page) == []
    panel(page).get_by_label("HDU").select_option("2")
    expect(panel(page).get_by_role("img", name="Picture of 5 by 4 pixels")).to_be_visible()


def test_a_large_image_is_read_in_part(visit: Visit, alice: Person, space: Space) -> None:
    image = np.zeros((3000, 3000), dtype="f8")
    image[::3, :] = 7
    space.put("large.fits", fits_bytes(fits.PrimaryHDU(image)))
    page = browse(visit, alice, space.page)
    answers: list[int] = []
    page.on(
        "response",
        lambda each: (
            answers.append(int(each.headers.get("content-length", 0)))
            if "/vault/data/" in each.url
            else None
        ),
    )
    row(page, "large.fits").get_by_role("link").click()

    canvas = panel(page).get_by_role("img", name="Picture of 3,000 by 3,000 pixels")
    expect(canvas).to_have_attribute("data-drawn", "linear zscale", timeout=30_000)
    assert sum(answers) < image.nbytes / 4


def test_what_only_calls_itself_fits_is_said(visit: Visit, alice: Person, space: Space) -> None:
    for name, content in (
        ("short.fits", b"SIMPLE"),
        ("false.fits", b"<script>hacked()</script>" * 500),
        ("huge.fits", fits_bytes(fits.PrimaryHDU(np.zeros((2, 2)))).replace(b"  2 ", b"999 ")),
    ):
        space.put(name, content)
    page = look(visit, alice, space, "false.fits")
    expect(panel(page)).to_contain_text("There is no preview")
    for name in ("short.fits", "huge.fits"):
        page.keyboard.press("Escape")
        row(page, name).get_by_role("link").click()
        expect(panel(page).locator("h2")).to_have_text(name)
        expect(panel(page).get_by_role("button", name="Permissions")).to_be_visible()


def test_json_of_the_details_says_what_the_panel_shows(space: Space) -> None:
    space.put("a.txt", b"x")
    found = json.loads(space.client.get(f"/api/v1/details{space.quoted('a.txt')}").text)

    assert found["path"] == space.path("a.txt")
    assert found["uri"] == f"vos://localhost~vault{space.path('a.txt')}"
    assert found["entry"]["length"] == 1
    assert "ivo://ivoa.net/vospace/core#MD5" in {each["uri"] for each in found["properties"]}


def test_the_panel_shows_the_jobs_of_a_node_and_stops_one(
    visit: Visit, site: WebSite, alice: Person, bob: Person, space: Space
) -> None:
    space.put("a.dat")
    space.put("other.dat")
    ended = site.new_job(alice, f"{alice.name}/a.dat")
    site.new_job(bob, f"{alice.name}/a.dat")
    with site.database.write() as unit:
        record = unit.jobs.get(ended)
        assert record is not None
        unit.jobs.change(
            record,
            phase="ERROR",
            error_fault="QuotaExceeded",
            error_detail="<i>5 bytes</i> are left, 7 were asked for",
        )
    site.new_job(alice, alice.name)
    page = look(visit, alice, space, "a.dat")

    jobs = panel(page).locator(".node-jobs li")
    expect(jobs).to_have_count(2)
    expect(panel(page).get_by_text("2 jobs")).to_be_visible()
    expect(jobs.last).to_contain_text("failed")
    expect(jobs.last).to_contain_text("<i>5 bytes</i> are left, 7 were asked for")
    expect(jobs.first).to_contain_text("not started")
    assert inaccessible(page) == []
    jobs.first.get_by_role("button", name="Stop: Transfer").focus()
    page.keyboard.press("Enter")
    expect(jobs.first).to_contain_text("stopped")
    expect(panel(page).get_by_role("button", name="Stop: Transfer")).to_have_count(0)
    row(page, "other.dat").get_by_role("link").click()
    expect(panel(page).locator("h2")).to_have_text("other.dat")
    expect(panel(page).get_by_text("1 job")).to_be_visible()


def test_the_progress_of_a_job_moves_in_the_panel(
    visit: Visit, site: WebSite, alice: Person, space: Space
) -> None:
    space.folder("d")
    job = site.new_job(alice, f"{alice.name}/d")

    def at_work(**values: object) -> None:
        with site.database.write() as unit:
            record = unit.jobs.get(job)
            assert record is not None
            unit.jobs.change(record, **values)

    at_work(phase="EXECUTING", progress=0.25)
    page = look(visit, alice, space, "d")
    bar = panel(page).get_by_role("progressbar", name="Progress")
    expect(bar).to_have_js_property("value", 0.25)
    stop = panel(page).get_by_role("button", name="Stop: Transfer")
    stop.focus()
    at_work(progress=0.75)
    expect(bar).to_have_js_property("value", 0.75)
    expect(stop).to_be_focused()
    at_work(phase="COMPLETED")
    expect(panel(page).locator(".node-jobs")).to_contain_text("done")


TELL_SHIFTS = """
window.shifts = [];
const note = (list) => window.shifts.push(...list.getEntries().map((each) => each.value));
new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("width", [320, 1440, 3840])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panel_fits_every_screen_and_nothing_in_it_moves(
    visit: Visit, site: WebSite, alice: Person, space: Space, width: int, theme: str
) -> None:
    image = fits.CompImageHDU(np.arange(240 * 320, dtype="i4").reshape(240, 320), name="SCI")
    space.put("a.fits", fits_bytes(fits.PrimaryHDU(), image))
    site.new_job(alice, f"{alice.name}/a.fits")
    page = visit(alice, "/about", width=width, theme=theme)
    page.add_init_script(TELL_SHIFTS)
    page.goto(f"{space.page}?open=a.fits")
    expect(panel(page).locator("canvas[data-drawn]")).to_be_visible(timeout=20_000)
    expect(panel(page).get_by_text("Explain access")).to_be_attached()

    assert sum(page.evaluate("shifts")) < 0.02
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    beyond = """all => all.filter(each => each.scrollWidth > each.clientWidth + 1
      && getComputedStyle(each).overflowX === "visible" && each.clientWidth > 0
      && getComputedStyle(each).display !== "inline"
    ).map(each => each.outerHTML.slice(0, 200))"""
    assert panel(page).locator("*").evaluate_all(beyond) == []
    assert inaccessible(page) == []


def test_a_file_that_is_gone_leaves_no_empty_panel(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, f"{space.page}?open=gone.txt")

    expect(page.get_by_role("alert")).to_be_visible()
    expect(panel(page)).to_be_hidden()


def test_details_survive_going_back_and_forth(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("d")
    space.put("a.txt")
    page = look(visit, alice, space, "a.txt")
    page.keyboard.press("Escape")
    row(page, "d").get_by_role("link").click()
    expect(page.get_by_role("heading", name="d", exact=True)).to_be_visible()
    wait_for_rows(page)
    expect(panel(page)).to_be_hidden()
