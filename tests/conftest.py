"""What all tests share: no test is skipped silently, no unexpected warning is logged."""

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from typing_extensions import override

from tests.support.mounts import Mounts
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.space import Space, SpaceServer, furnished

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a run may be told beside pytest's own options."""
    parser.addoption(
        "--both-engines",
        action="store_true",
        help="run every journey through the pages on SQLite and on PostgreSQL",
    )


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One PostgreSQL for the session; a test that asks for it fails where there is none."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database; every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'space.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.new_database() as url:
        yield url


@pytest.fixture(scope="session")
def shared_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """One real server for the session, for tests that leave it as it was."""
    with SpaceServer(data_dir=tmp_path_factory.mktemp("server") / "data") as server:
        yield furnished(server)


@pytest.fixture
def own_space(tmp_path: Path) -> Iterator[Space]:
    """A real server of the test's own, to be killed, frozen or filled."""
    with SpaceServer(data_dir=tmp_path / "data") as server:
        yield furnished(server)


@pytest.fixture
def folder(shared_space: Space) -> str:
    """The path of a new, empty folder of `durand` in the shared space: `durand/…`."""
    path = f"durand/{secrets.token_hex(6)}"
    document = (
        '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="2.1" '
        f'uri="vos://localhost~vault/{path}" xsi:type="vos:ContainerNode">'
        "<vos:properties/><vos:nodes/></vos:node>"
    )
    with shared_space.client(shared_space.owner) as client:
        client.put(f"/vault/nodes/{path}", content=document).raise_for_status()
    return path


@pytest.fixture
def public_folder(shared_space: Space, folder: str) -> Iterator[str]:
    """The same, open to everybody while the test runs, with the allocation that it lies in."""
    with shared_space.client(shared_space.owner) as client:
        for path in ("durand", folder):
            client.patch(f"/api/v1/nodes/{path}", json={"public": True}).raise_for_status()
        yield folder
        client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()


@pytest.fixture
def mounts(tmp_path: Path, shared_space: Space) -> Iterator[Mounts]:
    """Makes mounts of the shared space; all are gone when the test ends."""
    maker = Mounts(folder=tmp_path, space=shared_space)
    try:
        yield maker
    finally:
        maker.abandon_all()


@pytest.fixture
def own_mounts(tmp_path: Path, own_space: Space) -> Iterator[Mounts]:
    """Makes mounts of the test's own server; all are gone before the server is."""
    maker = Mounts(folder=tmp_path, space=own_space)
    try:
        yield maker
    finally:
        maker.abandon_all()


class _WarningKeeper(logging.Handler):
    """Keeps what is logged at WARNING and above by our own packages."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_unexpected_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which our code logs a warning that the test did not announce.

    A test announces with `@pytest.mark.logs("part of the message")`; an announced message that
    never comes is not an error, since many announce what only a race produces.
    """
    keeper = _WarningKeeper()
    packages = [logging.getLogger(name) for name in ("vospace_server", "vofs", "vospace_model")]
    for package in packages:
        package.addHandler(keeper)
    try:
        yield
    finally:
        for package in packages:
            package.removeHandler(keeper)
    announced = [mark.args[0] for mark in request.node.iter_markers("logs")]
    messages = [record.getMessage() for record in keeper.records]
    surprising = [m for m in messages if not any(part in m for part in announced)]
    assert not surprising, f"logged without being announced: {surprising}"


LANES = {
    "conformance": "wire",
    "clients": "wire",
    "server_faults": "faults",
    # Mounts of a server that is killed, frozen or lied about: they wait most of their time.
    "mounted/test_server_gone.py": "faults",
    "mounted/test_wrong_answers.py": "faults",
    "mounted/test_failed_uploads.py": "faults",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lane of a test is where it lies."""
    tests = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(tests)
        lane = LANES.get(place.parts[0]) or LANES.get(place.as_posix())
        if lane is not None:
            item.add_marker(lane)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a lane that did not run: the run has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        reporter.write_line("a test was skipped; no test of this project may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
