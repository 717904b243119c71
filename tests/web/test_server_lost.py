"""The server is killed while a page sends it something, and started again on the same port."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.support.space import SpaceServer
from tests.web.browsing import Visitor
from tests.web.site import WebSite, open_site
from tests.web.storage_pages import open_space, row, wait_for_rows

pytestmark = pytest.mark.web

MIB = 1 << 20


@pytest.fixture
def mortal_site(tmp_path: Path) -> Iterator[WebSite]:
    """A site of the test's own."""
    server = SpaceServer(data_dir=tmp_path / "data")
    url = f"sqlite:///{tmp_path / 'data' / 'vospace.sqlite'}"
    with server, open_site(server, url) as opened:
        yield opened


def slow_down(page: Page, bytes_a_second: int) -> None:
    """Let a part take its time, so that the server dies in one; -1 for no limit."""
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions", {**limits, "uploadThroughput": bytes_a_second}
    )


def is_second_part(request: Request) -> bool:
    """Whether a request brings the second part of a large file."""
    return request.headers.get("content-range", "").startswith("bytes 16777216-")


def test_an_upload_outlives_a_server_that_is_killed(
    chromium: Browser, mortal_site: WebSite, tmp_path: Path
) -> None:
    large = tmp_path / "night.fits"
    large.write_bytes(os.urandom(MIB) * 56)
    alice = mortal_site.new_person("alice")
    with open_space(mortal_site, alice) as space, Visitor(chromium, mortal_site) as visitor:
        page = visitor.visit(alice, space.page)
        wait_for_rows(page)
        slow_down(page, 24 * MIB)
        parts: list[str] = []
        page.on("request", lambda each: parts.append(each.headers.get("content-range", "")))
        with page.expect_request(is_second_part, timeout=60_000):
            page.locator("#pick-files").set_input_files(large)
        mortal_site.server.kill()
        tray = page.get_by_role("region", name="Uploads and jobs")
        expect(tray).to_contain_text("The network was lost.", timeout=20_000)
        slow_down(page, -1)
        mortal_site.server.start()

        # Nobody presses anything: it goes on by itself.
        expect(tray).to_contain_text("1 file has arrived", timeout=60_000)
        expect(row(page, "night.fits")).to_be_visible()
        stored = hashlib.md5(space.read("night.fits")).hexdigest()
        assert stored == hashlib.md5(large.read_bytes()).hexdigest()
        # What had arrived before was not sent again.
        assert parts.count("bytes 0-16777215/58720256") == 1
