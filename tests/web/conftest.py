"""A real server, and Debian's Chromium looking at it: one of each for the session."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.space import SpaceServer
from tests.web.browsing import CHROMIUM, CHROMIUM_ARGUMENTS, Visit, Visitor
from tests.web.site import Person, WebSite, open_site

SETTINGS = """
[web]
registration = "open"
registrations_per_minute = 100
[authentication]
failures_per_account = 4
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSite]:
    """A server on SQLite with registration open; each test makes people of its own."""
    folder = tmp_path_factory.mktemp("web")
    settings = folder / "server.toml"
    settings.write_text(SETTINGS)
    server = SpaceServer(data_dir=folder / "data", arguments=["--config", str(settings)])
    with server, open_site(server, f"sqlite:///{folder / 'data' / 'vospace.sqlite'}") as opened:
        yield opened


@pytest.fixture
def alice(site: WebSite) -> Person:
    """Somebody new."""
    return site.new_person("alice")


@pytest.fixture
def bob(site: WebSite) -> Person:
    """Somebody else."""
    return site.new_person("bob")


@pytest.fixture
def boss(site: WebSite) -> Person:
    """An administrator."""
    return site.new_person("boss", is_admin=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser; every visit is a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, site: WebSite) -> Iterator[Visitor]:
    """Opens pages; a script error or a breach of the policy fails the test."""
    with Visitor(chromium, site) as opened:
        yield opened


@pytest.fixture
def visit(visitor: Visitor) -> Visit:
    """`visit(person)` is a page of that person's browser, at the first page."""
    return visitor.visit


@pytest.fixture
def client(site: WebSite) -> Iterator[Callable[..., httpx.Client]]:
    """`client(person)` speaks HTTP as that person's browser does, without a browser."""
    opened: list[httpx.Client] = []

    def make(person: Person | None = None) -> httpx.Client:
        headers = {"Origin": site.url, "Accept": "text/html"}
        made = httpx.Client(base_url=site.url, headers=headers, timeout=30)
        if person is not None:
            made.cookies.set("vospace", site.new_cookie(person), domain="127.0.0.1")
        opened.append(made)
        return made

    yield make
    for each in opened:
        each.close()
