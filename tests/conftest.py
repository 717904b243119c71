"""What all tests share: no test is skipped silently, no unexpected warning is logged."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from tests.support.postgres import PostgresServer, running_postgres

ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]


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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a lane that did not run: the run has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        reporter.write_line("a test was skipped; no test of this project may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
