"""nginx as `deploy/` sets it up, for real: what goes through it, and what does not."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from tests.support.nginx import Nginx, running_nginx
from tests.support.space import Space, SpaceServer, furnished

# One server for the module, so one process runs all of it.
pytestmark = pytest.mark.xdist_group("nginx")

BIG = 40 << 20


class Recorder(BaseHTTPRequestHandler):
    """Answers everything, and keeps what arrived, byte for byte."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.requestline, headers))
        self.send_response(204)
        self.end_headers()

    @override
    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Nginx]:
    """nginx in front of a server that keeps what it was asked."""
    Recorder.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with running_nginx(tmp_path, server.server_address[1]) as nginx:
        yield nginx
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A real server that trusts the proxy in front of it."""
    folder = tmp_path_factory.mktemp("proxied")
    config = folder / "server.toml"
    config.write_text('[server]\ntrusted_proxies = ["127.0.0.1"]\n')
    arguments = ["--config", str(config)]
    with SpaceServer(data_dir=folder / "data", arguments=arguments) as server:
        yield furnished(server)


@pytest.fixture(scope="module")
def proxied(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx"), space.server.port) as nginx:
        yield nginx


def ask_raw(nginx: Nginx, target: str, *headers: str) -> bytes:
    """The answer to a request whose target no library has touched."""
    lines = [f"GET {target} HTTP/1.1", "Host: space.test", "Connection: close", *headers]
    plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=10)
    with nginx.trust.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    "target",
    [
        "/vault/nodes/a%2Fb",
        "/vault/nodes/a%2fb",
        "/vault/nodes/a/../b",
        "/vault/nodes/a/%2e%2e/b",
        "/vault/nodes//a///b",
        "/vault/nodes/a%20b+c&d;e=f'g%22h%25i",
        "/vault/nodes/%E2%98%85?detail=max&uri=vos%3A%2F%2Fx%21y%2Fz",
    ],
)
def test_a_path_arrives_as_it_was_sent(recorded: Nginx, target: str) -> None:
    assert ask_raw(recorded, target).startswith(b"HTTP/1.1 204")

    assert [line for line, _ in Recorder.seen] == [f"GET {target} HTTP/1.1"]


def test_who_somebody_is_can_not_be_written_into_a_header(recorded: Nginx) -> None:
    forged = [
        "X-Forwarded-For: 10.1.2.3",
        "X-Forwarded-Proto: gopher",
        "Forwarded: for=10.1.2.3",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-User: durand",
        "X-Remote-User: durand",
        "Remote-User: durand",
        "X-Client-Certificate: forged",
        "X-SSL-Client-Cert: forged",
        "X-SSL-Client-S-DN: CN=durand",
        "X-SSL-Client-Verify: SUCCESS",
        "Authorization: Bearer mine",
    ]

    ask_raw(recorded, "/", *forged)

    [(_, headers)] = Recorder.seen
    assert headers == {
        "host": "space.test",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "127.0.0.1",
        "authorization": "Bearer mine",
    }


def test_a_name_with_an_escaped_slash_is_the_server_s_to_refuse(
    space: Space, proxied: Nginx
) -> None:
    token = f"Authorization: Bearer {space.owner.token}"

    answer = ask_raw(proxied, "/vault/nodes/durand/a%2Fb", token)

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"InvalidURI" in answer


@pytest.mark.parametrize("target", ["/vault/nodes/durand/../durand", "/vault/nodes/durand//x"])
def test_a_path_that_climbs_is_the_server_s_to_refuse(
    space: Space, proxied: Nginx, target: str
) -> None:
    token = f"Authorization: Bearer {space.owner.token}"

    answer = ask_raw(proxied, target, token)

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"InvalidURI" in answer


def test_a_large_file_goes_in_and_out_and_nothing_is_spooled(
    space: Space, proxied: Nginx
) -> None:
    content = os.urandom(BIG)

    with proxied.client(space.owner.bearer) as client:
        stored = client.put("/vault/files/durand/large.bin", content=content)
        found = client.get("/vault/files/durand/large.bin", follow_redirects=True)

    assert stored.status_code == 201
    assert hashlib.md5(found.content).digest() == hashlib.md5(content).digest()
    assert found.history[0].headers["location"].startswith(proxied.url)
    assert proxied.spooled() == []


def test_an_upload_reaches_the_server_while_it_is_sent(space: Space, proxied: Nginx) -> None:
    """Nothing of a body may wait in nginx: the server must see the beginning of it at once."""
    head = (
        "PUT /vault/files/durand/slow.bin HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {space.owner.token}\r\nContent-Length: {BIG}\r\n\r\n"
    )
    incoming = space.server.data_dir / "storage" / "incoming"
    plain = socket.create_connection(("127.0.0.1", proxied.port), timeout=10)
    with proxied.trust.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(head.encode() + bytes(8 << 20))

        assert wait_for(lambda: sizes(incoming) >= 4 << 20)
        assert proxied.spooled() == []
    assert wait_for(lambda: sizes(incoming) == 0)


def sizes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def wait_for(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_a_range_is_a_range(space: Space, proxied: Nginx) -> None:
    content = os.urandom(3 << 20)
    with proxied.client(space.owner.bearer) as client:
        client.put("/vault/files/durand/ranges.bin", content=content).raise_for_status()

        found = client.get(
            "/vault/files/durand/ranges.bin",
            headers={"Range": "bytes=1000000-2000000"},
            follow_redirects=True,
        )

    assert found.status_code == 206
    assert found.headers["content-range"] == f"bytes 1000000-2000000/{3 << 20}"
    assert found.content == content[1_000_000:2_000_001]


def test_a_refusal_arrives_before_the_body_is_sent(space: Space, proxied: Nginx) -> None:
    space.server.administer(
        "allocation", "add", "small", "--owner", "durand", "--quota", "1MiB"
    )

    with proxied.client(space.owner.bearer) as client:
        refused = client.put("/vault/files/small/too-large.bin", content=bytes(BIG))

    assert refused.status_code == 413
    assert "quota" in refused.text


def test_the_numbers_for_operators_stay_inside(recorded: Nginx) -> None:
    assert ask_raw(recorded, "/metrics").startswith(b"HTTP/1.1 403")
    assert ask_raw(recorded, "//metrics").startswith(b"HTTP/1.1 204")
    assert ask_raw(recorded, "/%6detrics").startswith(b"HTTP/1.1 403")


def test_plain_http_is_not_served(recorded: Nginx) -> None:
    with socket.create_connection(("127.0.0.1", recorded.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400")
    assert Recorder.seen == []
