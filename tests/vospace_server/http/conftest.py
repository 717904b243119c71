"""A real server on 127.0.0.1 in a thread of the test's process, with alice and bob."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import uvicorn

from tests.vospace_server.http.documents import container
from tests.vospace_server.http.people import People, make_people
from vospace_server.app import create_app
from vospace_server.config import ServerConfig
from vospace_server.http.connection import connection_type

START_SECONDS = 20


class ServerThread:
    """uvicorn in a thread; the socket listens before the thread starts.

    `send_buffer_bytes` bounds what the kernel takes of an answer that nobody reads.
    """

    def __init__(self, config: ServerConfig, *, send_buffer_bytes: int | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        if send_buffer_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        self.port = self._socket.getsockname()[1]
        settings = uvicorn.Config(
            create_app(config),
            http=connection_type(send_seconds=config.server.send_timeout_seconds),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=config.server.keep_alive_seconds,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def start(self) -> None:
        """Return when it answers."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        self._socket.close()
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> ServerConfig:
    """The embedded default: SQLite and a directory."""
    return ServerConfig(data_dir=tmp_path_factory.mktemp("http") / "data")


@pytest.fixture(scope="session")
def people(config: ServerConfig) -> People:
    assert config.data_dir is not None
    config.data_dir.mkdir()
    return make_people(config)


@pytest.fixture(scope="session")
def server(config: ServerConfig, people: People) -> Iterator[ServerThread]:
    running = ServerThread(config)
    running.start()
    yield running
    running.stop()


def _client(server: ServerThread, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=30)


@pytest.fixture(scope="session")
def alice(server: ServerThread, people: People) -> Iterator[httpx.Client]:
    """The owner of /alice."""
    with closing(_client(server, people.alice)) as client:
        yield client


@pytest.fixture(scope="session")
def bob(server: ServerThread, people: People) -> Iterator[httpx.Client]:
    """Somebody else."""
    with closing(_client(server, people.bob)) as client:
        yield client


@pytest.fixture(scope="session")
def admin(server: ServerThread, people: People) -> Iterator[httpx.Client]:
    """An administrator."""
    with closing(_client(server, people.admin)) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(server: ServerThread) -> Iterator[httpx.Client]:
    """Nobody."""
    with closing(_client(server, None)) as client:
        yield client


@pytest.fixture
def folder(alice: httpx.Client) -> str:
    """A new, empty, private folder of alice's: `alice/…`."""
    path = f"alice/{secrets.token_hex(6)}"
    alice.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()
    return path


@pytest.fixture
def objects(config: ServerConfig) -> Path:
    """The directory of the object store, with its finished and unfinished objects."""
    return Path(config.storage_url.removeprefix("file://"))
