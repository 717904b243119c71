"""Uploads on a bare connection: refusals before the body, bodies that never end well."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.people import People
from tests.vospace_server.http.test_bytes import get, objects_in, put
from tests.vospace_server.http.wire import Wire

TEN_GIGABYTES = 10 * 10**9


@pytest.fixture
def wire(server: ServerThread) -> Iterator[Wire]:
    with closing(Wire(port=server.port)) as opened:
        yield opened


@pytest.fixture(scope="session")
def login(people: People) -> str:
    return f"Authorization: Bearer {people.alice}"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_client_that_asks_is_told_to_continue(wire: Wire, login: str, folder: str) -> None:
    target = f"/vault/files/{folder}/f".encode()

    first = wire.ask("PUT", target, login, "Content-Length: 5", "Expect: 100-continue")
    wire.send(b"hello")
    second = wire.read()

    assert (first.status, second.status) == (100, 201)
    assert wire.ask("GET", target, login).status == 303


def test_a_get_that_expects_to_continue_is_simply_answered(wire: Wire, login: str) -> None:
    answer = wire.ask("GET", b"/vault/nodes/alice?limit=0", login, "Expect: 100-continue")

    while answer.status == 100:
        answer = wire.read()
    assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status", "name"),
    [
        ("small/f", ("Content-Length: 10000000000",), 413, "QuotaExceeded"),
        ("alice/no/such/f", ("Content-Length: 10000000000",), 404, "ContainerNotFound"),
        ("alice", ("Content-Length: 10000000000",), 400, "InvalidArgument"),
        ("alice/f", ("Content-Length: 99", "If-Match: *"), 412, "PreconditionFailed"),
        ("alice/f", ("Content-Length: 99", "Digest: md5=x"), 400, "InvalidArgument"),
    ],
)
def test_refusals_come_before_the_body(  # nobody sends ten gigabytes to hear no
    wire: Wire, login: str, path: str, headers: tuple[str, ...], status: int, name: str
) -> None:
    answer = wire.ask(
        "PUT", f"/vault/files/{path}".encode(), login, *headers, "Expect: 100-continue"
    )

    assert (answer.status, answer.text.split(":")[0]) == (status, name)
    assert answer.headers["connection"] == "close"
    assert wire.is_closed_by_server()


def test_a_client_that_does_not_ask_still_hears_the_refusal(
    server: ServerThread, login: str
) -> None:
    with closing(Wire(port=server.port)) as wire:
        head = (
            f"PUT /vault/files/small/f HTTP/1.1\r\nHost: x\r\n{login}\r\n"
            f"Content-Length: {TEN_GIGABYTES}\r\n\r\n"
        )
        wire.send(head.encode() + b"x" * 100_000)
        answer = wire.read()

    assert (answer.status, answer.text.split(":")[0]) == (413, "QuotaExceeded")


def test_a_client_that_sends_everything_first_hears_the_refusal_too(
    alice: httpx.Client,
) -> None:
    response = alice.put("/vault/files/small/f", content=b"x" * 30_000_000)

    assert (response.status_code, response.text.split(":")[0]) == (413, "QuotaExceeded")


def test_a_small_refused_body_keeps_the_connection(wire: Wire, login: str) -> None:
    first = wire.ask(
        "PUT", b"/vault/files/alice/no/such", login, "Content-Length: 5", body=b"hello"
    )
    second = wire.ask("GET", b"/vault/nodes/alice?limit=0", login)

    assert (first.status, second.status) == (404, 200)


def test_a_stream_beyond_the_quota_is_stopped_in_the_middle(
    alice: httpx.Client, wire: Wire, login: str
) -> None:
    """Contract 5 row 81: an undeclared length is cut at the limit."""
    wire.send(
        b"PUT /vault/files/small/stream HTTP/1.1\r\nHost: x\r\n"
        + login.encode()
        + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    # More than a chunk of ours; the client would go on.
    wire.send(b"200000\r\n" + b"x" * 0x200000 + b"\r\n")
    answer = wire.read()

    assert (answer.status, answer.text.split(":")[0]) == (413, "QuotaExceeded")
    assert alice.get("/vault/nodes/small/stream").status_code == 404
    assert alice.get("/api/v1/quota/small").json()["used"] == 0


def test_a_client_that_disconnects_leaves_everything_as_it_was(
    alice: httpx.Client, server: ServerThread, login: str, folder: str, objects: Path
) -> None:
    put(alice, f"{folder}/f", b"old")
    before = objects_in(objects)
    used = alice.get("/api/v1/quota/alice").json()["used"]

    for framing in (b"Content-Length: 5000000", b"Transfer-Encoding: chunked"):
        with closing(Wire(port=server.port)) as wire:
            wire.send(
                f"PUT /vault/files/{folder}/f HTTP/1.1\r\nHost: x\r\n{login}\r\n".encode()
                + framing
                + b"\r\n\r\n"
            )
            wire.send(b"200000\r\n" + b"x" * 0x200000)
            assert eventually(lambda: objects_in(objects) != before)

        assert eventually(lambda: objects_in(objects) == before)
        assert get(alice, f"{folder}/f").content == b"old"
        assert eventually(lambda: alice.get("/api/v1/quota/alice").json()["used"] == used)
        assert 'busy="true"' not in alice.get(f"/vault/nodes/{folder}/f").text


def test_a_node_is_busy_while_it_is_written(
    alice: httpx.Client, server: ServerThread, login: str, folder: str
) -> None:
    put(alice, f"{folder}/f", b"old")
    with closing(Wire(port=server.port)) as wire:
        wire.send(
            f"PUT /vault/files/{folder}/f HTTP/1.1\r\nHost: x\r\n{login}\r\n"
            "Content-Length: 6\r\n\r\nnew".encode()
        )
        assert eventually(lambda: 'busy="true"' in alice.get(f"/vault/nodes/{folder}/f").text)
        assert get(alice, f"{folder}/f").content == b"old"
        wire.send(b"new")
        assert wire.read().status == 200

    assert get(alice, f"{folder}/f").content == b"newnew"
    assert 'busy="true"' not in alice.get(f"/vault/nodes/{folder}/f").text


def test_of_two_uploads_at_once_the_later_one_wins_whole(
    alice: httpx.Client, server: ServerThread, login: str, folder: str
) -> None:
    head = (
        f"PUT /vault/files/{folder}/f HTTP/1.1\r\nHost: x\r\n{login}\r\n"
        "Content-Length: 400000\r\n\r\n"
    ).encode()
    with closing(Wire(port=server.port)) as one, closing(Wire(port=server.port)) as two:
        one.send(head + b"1" * 200_000)
        two.send(head + b"2" * 200_000)
        one.send(b"1" * 200_000)
        first = one.read()
        two.send(b"2" * 200_000)
        second = two.read()

    assert {first.status, second.status} == {200, 201}
    assert get(alice, f"{folder}/f").content == b"2" * 400_000


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: -3",),
        ("Content-Length: 3x",),
        ("Transfer-Encoding: gzip, chunked",),
    ],
)
def test_ambiguous_framing_never_stores_anything(
    alice: httpx.Client, wire: Wire, login: str, folder: str, lines: tuple[str, ...]
) -> None:
    answer = wire.ask(
        "PUT", f"/vault/files/{folder}/f".encode(), login, *lines, body=b"3\r\nabc\r\n0\r\n\r\n"
    )

    assert answer.status in {400, 501}
    assert alice.get(f"/vault/nodes/{folder}/f").status_code == 404


def test_documents_are_bounded_before_they_are_read(wire: Wire, login: str) -> None:
    answer = wire.ask(
        "PUT",
        b"/vault/nodes/alice/x",
        login,
        f"Content-Length: {TEN_GIGABYTES}",
        "Expect: 100-continue",
    )

    assert (answer.status, answer.text.split(":")[0]) == (413, "RequestEntityTooLarge")


def test_an_endless_document_is_cut_off(wire: Wire, login: str) -> None:
    wire.send(
        b"PUT /vault/nodes/alice/x HTTP/1.1\r\nHost: x\r\n"
        + login.encode()
        + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"10000\r\n"
        + b" " * 0x10000
        + b"\r\n"
    )

    assert wire.read().status == 413
