"""A real server on each engine, and Debian's Chromium looking at it, for the session."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import ENGINES
from tests.support.postgres import PostgresServer
from tests.support.space import SpaceServer
from tests.web.browsing import CHROMIUM, CHROMIUM_ARGUMENTS, Visit, Visitor
from tests.web.keyboard import Keyboard
from tests.web.site import Person, WebSite, open_site
from tests.web.storage_pages import Space, open_space

SETTINGS = """
[web]
registration = "open"
registrations_per_minute = 100
[authentication]
failures_per_account = 4
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A journey runs on the engine that its marker names, or on both when that is asked for.

    The journeys by mouse name SQLite, those by keyboard PostgreSQL: each feature is walked
    through on each engine (docs/web.md). Every other test of a page runs on SQLite.
    """
    journey = metafunc.definition.get_closest_marker("journey")
    if journey is None or "engine" not in metafunc.fixturenames:
        return
    both = metafunc.config.getoption("--both-engines")
    metafunc.parametrize(
        "engine", [each for each in ENGINES if both or each.id in journey.args]
    )


@pytest.fixture
def engine() -> str:
    """What the site of a test keeps its tree in."""
    return "sqlite"


@pytest.fixture
def site(request: pytest.FixtureRequest, engine: str) -> WebSite:
    """A server with registration open; each test makes people of its own."""
    opened: WebSite = request.getfixturevalue(f"site_on_{engine}")
    return opened


@pytest.fixture(scope="session")
def site_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSite]:
    """One for the session, on SQLite."""
    folder = tmp_path_factory.mktemp("web")
    with _site(folder, f"sqlite:///{folder / 'data' / 'vospace.sqlite'}") as opened:
        yield opened


@pytest.fixture(scope="session")
def site_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[WebSite]:
    """One for the session, on PostgreSQL; where there is none, its tests fail."""
    with (
        postgres_server.new_database() as url,
        _site(tmp_path_factory.mktemp("web"), url, ["--database-url", url]) as opened,
    ):
        yield opened


@contextmanager
def _site(folder: Path, url: str, arguments: Sequence[str] = ()) -> Iterator[WebSite]:
    settings = folder / "server.toml"
    settings.write_text(SETTINGS)
    server = SpaceServer(
        data_dir=folder / "data", arguments=["--config", str(settings), *arguments]
    )
    with server, open_site(server, url) as opened:
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
def keyboard(visitor: Visitor) -> Callable[..., Keyboard]:
    """`keyboard(person, path)` is a page of somebody who has no mouse."""
    return lambda *args, **how: Keyboard(visitor.visit(*args, **how))


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


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
