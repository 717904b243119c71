"""A space without HTTP, on each engine, copied from one that was made once."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import PostgresServer
from tests.vospace_server.services.tree_space import TreeSpace
from vospace_server.database.engine import Database

ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]


def _upgrade(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables."""
    file = tmp_path_factory.mktemp("template") / "space.sqlite"
    _upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a PostgreSQL database with all tables."""
    with postgres_server.new_database() as url:
        _upgrade(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def space(sqlite_template: Path, tmp_path: Path) -> Iterator[TreeSpace]:
    """A space on SQLite, for rules that know nothing of the engine."""
    with _opened(_copied(sqlite_template, tmp_path)) as made:
        yield made


@pytest.fixture(params=ENGINES)
def each_space(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TreeSpace]:
    """A space on each engine, for all that statements and locks decide."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        with _opened(_copied(template, tmp_path)) as made:
            yield made
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template_name = request.getfixturevalue("postgres_template")
    with _cloned(server, template_name) as url, _opened(url) as made:
        yield made


def _copied(template: Path, folder: Path) -> str:
    file = shutil.copy(template, folder / "space.sqlite")
    return f"sqlite:///{file}"


@contextmanager
def _cloned(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"clone_{secrets.token_hex(6)}"
    administration = f"postgresql://{server.address}/postgres"
    with psycopg.connect(administration, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            yield f"postgresql+psycopg://{server.address}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def _opened(url: str) -> Iterator[TreeSpace]:
    made = TreeSpace(url)
    try:
        yield made
    finally:
        made.close()
