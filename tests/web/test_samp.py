"""Files handed to programs on the computer of whoever looks, by a real hub of SAMP."""

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from astropy.io import fits
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.mounts import wait_until
from tests.web.browsing import CHROMIUM, CHROMIUM_ARGUMENTS, Visit, Visitor, inaccessible
from tests.web.samp_hub import Hub, only_one_with_the_port, open_hub
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, browse, open_space, pick

# The web profile has one port on a computer: one test at a time.
pytestmark = [pytest.mark.web, pytest.mark.xdist_group("samp")]

SEND = "Send to Aladin, TOPCAT, DS9 …"
VOTABLE = (
    b'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE/></VOTABLE>'
)


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's, private."""
    with open_space(site, alice) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _port() -> Iterator[None]:
    """The port, whether a hub is to be there or not."""
    with only_one_with_the_port():
        yield


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub at port 21012."""
    with open_hub(tmp_path) as opened:
        yield opened


def image() -> bytes:
    """A FITS file."""
    file = io.BytesIO()
    fits.PrimaryHDU(np.arange(600, dtype="f4").reshape(20, 30)).writeto(file)
    return file.getvalue()


def window(page: Page) -> Locator:
    """The window of programs."""
    return page.get_by_role("dialog", name="to a program")


def send_from_panel(visit: Visit, person: Person, space: Space, name: str) -> Page:
    """The page with that window open for a file."""
    page = browse(visit, person, f"{space.page}?open={name}")
    page.locator("#panel").get_by_role("button", name=SEND).click()
    return page


def test_an_image_reaches_the_program_that_was_chosen_and_no_other(
    visit: Visit, alice: Person, space: Space, hub: Hub, site: WebSite
) -> None:
    space.put("m 51 <é>.fits", image())
    with (
        hub.program("Aladin", "image.load.fits") as aladin,
        hub.program("DS9 <b>", "image.load.fits", "table.load.fits") as ds9,
        hub.program("TOPCAT", "table.load.fits") as topcat,
    ):
        page = send_from_panel(visit, alice, space, "m 51 <é>.fits")
        buttons = window(page).locator(".actions button:has(bdi)")
        expect(buttons).to_have_text(
            ["Aladin as image", "DS9 <b> as image", "DS9 <b> as table", "TOPCAT as table"]
        )
        expect(buttons.first).to_be_focused()
        assert inaccessible(page) == []
        page.keyboard.press("Enter")
        expect(window(page)).to_contain_text("Aladin has m 51 <é>.fits.")

        ((mtype, params, content),) = aladin.received
        assert (mtype, params["name"]) == ("image.load.fits", "m 51 <é>.fits")
        assert content == image(), "fetched without a cookie or a token"
        assert params["url"].startswith(f"{site.url}/vault/data/")
        assert (ds9.received, topcat.received) == ([], [])
        assert hub.consent.asked == [("vospace", site.url)]
        # The same page asks no second time.
        page.keyboard.press("Escape")
        page.locator("#panel").get_by_role("button", name=SEND).click()
        window(page).get_by_role("button", name="TOPCAT as table").click()
        expect(window(page)).to_contain_text("TOPCAT has m 51")
        assert len(hub.consent.asked) == 1
        # What leaves the page is gone from the hub.
        assert "vospace" in hub.names
        page.goto("/about")
        wait_until(lambda: "vospace" not in hub.names, "the hub to forget the page")


def test_several_files_go_to_whoever_takes_their_kind(
    visit: Visit, alice: Person, space: Space, hub: Hub
) -> None:
    space.put("a.fits", image())
    space.put("b.vot", VOTABLE)
    space.put("c.txt")
    with (
        hub.program("Aladin", "image.load.fits") as aladin,
        hub.program("TOPCAT", "table.load.fits", "table.load.votable") as topcat,
    ):
        page = browse(visit, alice, space.page)
        pick(page, "a.fits", "b.vot", "c.txt")
        page.get_by_role("toolbar").get_by_role("button", name="Download").click()
        page.get_by_role("menuitem", name=SEND).click()
        expect(window(page)).to_contain_text("Send 2 files to a program")
        window(page).get_by_role("button", name="Aladin as image (1 of 2)").click()
        window(page).get_by_role("button", name="TOPCAT as table").click()
        expect(window(page)).to_contain_text("TOPCAT has b.vot.")

    assert [mtype for mtype, _, _ in aladin.received] == ["image.load.fits"]
    assert [(mtype, content) for mtype, _, content in topcat.received] == [
        ("table.load.fits", image()),
        ("table.load.votable", VOTABLE),
    ]


def test_a_whole_night_is_not_sent_at_once(visit: Visit, alice: Person, space: Space) -> None:
    for n in range(51):
        space.put(f"n{n:02}.fits", b"SIMPLE")
    page = browse(visit, alice, space.page)
    page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    page.get_by_role("menuitem", name=SEND).click()

    expect(page.get_by_role("alert")).to_contain_text("Select at most 50 files to send.")
    expect(window(page)).to_have_count(0)


def test_what_goes_wrong_is_said(visit: Visit, alice: Person, space: Space, hub: Hub) -> None:
    space.put("a.fits", image())
    page = send_from_panel(visit, alice, space, "a.fits")
    expect(window(page)).to_contain_text("no program that takes such files is connected")
    page.keyboard.press("Escape")

    with hub.program("DS9", "image.load.fits") as ds9:
        ds9.refuses = "out of <b>frames</b>"
        page.locator("#panel").get_by_role("button", name=SEND).click()
        window(page).get_by_role("button", name="DS9").click()
        expect(window(page)).to_contain_text("DS9 did not take a.fits: out of <b>frames</b>")

    hub.consent.answer = False
    page = send_from_panel(visit, alice, space, "a.fits")
    expect(window(page)).to_contain_text("The hub on this computer refused: ")
    expect(window(page)).to_contain_text("rejected by the user")
    assert inaccessible(page) == []


def test_without_a_hub_the_page_says_what_to_do(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.fits", image())
    page = send_from_panel(visit, alice, space, "a.fits")

    expect(window(page)).to_contain_text("No SAMP hub answers on this computer. Start TOPCAT")
    assert inaccessible(page) == []


def test_a_page_of_the_internet_reaches_the_hub_once_the_browser_is_told_so(
    chromium: Browser, site: WebSite, alice: Person, space: Space, hub: Hub
) -> None:
    space.put("a.fits", image())
    # To Chromium our server is on the public internet, and the hub on this computer.
    public = f"--ip-address-space-overrides={urlsplit(site.url).netloc}=public"
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, public]
    )
    with (
        browser,
        Visitor(browser, site) as visitor,
        hub.program("TOPCAT", "table.load.fits") as topcat,
    ):
        page = send_from_panel(visitor.visit, alice, space, "a.fits")
        expect(window(page)).to_contain_text("This browser does not let the page")
        blocked, _failed = visitor.breaches
        assert "`loopback` address space" in blocked
        visitor.breaches.clear()
        assert hub.consent.asked == []
        page.context.grant_permissions(["local-network-access"])
        page.keyboard.press("Escape")
        page.locator("#panel").get_by_role("button", name=SEND).click()
        window(page).get_by_role("button", name="TOPCAT").click()
        expect(window(page)).to_contain_text("TOPCAT has a.fits.")
        ((_, _, content),) = topcat.received
        assert content == image()


def test_a_file_that_no_program_reads_is_not_offered(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, f"{space.page}?open=a.txt")

    expect(page.locator("#panel h2")).to_have_text("a.txt")
    expect(page.locator("#panel").get_by_role("button", name=SEND)).to_have_count(0)


def test_only_storage_pages_may_ask_the_hub(visit: Visit, alice: Person, space: Space) -> None:
    page = visit(alice, "/about")
    policies = {
        address: page.request.get(address).headers["content-security-policy"]
        for address in (space.page, "/", "/groups", "/account", "/storage/trash", "/jobs")
    }

    wide = [address for address, policy in policies.items() if "21012" in policy]
    assert wide == [space.page]
    assert "connect-src 'self' http://localhost:21012;" in policies[space.page]
